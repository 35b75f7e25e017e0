/**
 * pg-boss doing no-op jobs: `node pg-boss.mjs <connection string> <jobs> <in flight>`. Producer and worker share the
 * process; batches of 100, woken by NOTIFY where the version offers it, else polled twice a second (its least).
 */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../package.json', import.meta.url));
const { PgBoss } = require('pg-boss');

const [connectionString, ...numbers] = process.argv.slice(2);
const [jobs, inFlight] = numbers.map(Number);
const boss = new PgBoss({ connectionString, max: 10 });
boss.on('error', (error) => console.error(error));
await boss.start();
await boss.createQueue('noop');

let done = 0;
let finish;
const finished = new Promise((resolve) => {
  finish = resolve;
});
const begun = performance.now();
let next = 0;
const lane = async () => {
  while (next < jobs) {
    next++;
    await boss.send('noop', { n: next });
  }
};
/** Fetch and complete in batches without a pause: faster than its own `work`, which polls. */
const drain = async () => {
  while (done < jobs) {
    const batch = await boss.fetch('noop', { batchSize: 100 });
    if (!batch || batch.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      continue;
    }
    await boss.complete(
      'noop',
      batch.map((job) => job.id),
    );
    done += batch.length;
  }
  finish();
};
await Promise.all([...Array.from({ length: inFlight }, lane), drain()]);
await finished;
const seconds = (performance.now() - begun) / 1000;
console.log(JSON.stringify({ jobs, seconds, jobsPerSecond: jobs / seconds }));
await boss.stop({ graceful: false });
process.exit(0);
