/** Prints a line for every event of the PM2 whose home is `PM2_HOME`: its name, then the time. For the world to see what PM2 itself sees. */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../package.json', import.meta.url));
const pm2 = require('pm2');

pm2.launchBus((error, bus) => {
  if (error) throw error;
  bus.on('process:event', ({ event }) => console.log(`${event} ${Date.now()}`));
  console.log(`listening ${Date.now()}`);
});
