/**
 * Bree running one job file again and again: `node bree-reload.mjs <folder of jobs> <job> <interval in ms>`. Told over its
 * IPC channel: a name swaps the job for another file, in the way that its documentation offers (remove, add, start);
 * `null` asks for what it has counted.
 */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../package.json', import.meta.url));
const Bree = require('bree');

const [root, first, intervalMs] = process.argv.slice(2);
const interval = Number(intervalMs);
const counted = { 'skipped as running': 0, failed: 0 };
let last = '';
const bree = new Bree({
  root,
  defaultExtension: 'mjs',
  jobs: [{ name: first, interval }],
  logger: {
    info() {},
    warn() {
      counted['skipped as running']++;
    },
    error() {},
  },
  errorHandler(error) {
    if (/exited with code/.test(error.message)) counted.failed++;
    else last = error.name;
  },
});
await bree.start();
let current = first;
let swapping = Promise.resolve();
process.on('message', (name) => {
  if (name === null) return process.send({ counted, last });
  swapping = swapping.then(async () => {
    await bree.remove(current);
    await bree.add({ name, interval });
    await bree.start(name);
    current = name;
    process.send({ swapped: name });
  });
});
process.once('disconnect', () => process.exit(0));
process.send({ started: true });
