/**
 * BullMQ doing no-op jobs: `node bullmq.mjs <redis port> <jobs> <in flight> <concurrency>`. Producer and worker share the
 * process, as Daruma's bench has them; a job counts when its completion is recorded ('completed' reached the worker).
 * Prints one line of JSON.
 */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../package.json', import.meta.url));
const { Queue, Worker } = require('bullmq');

const [port, jobs, inFlight, concurrency] = process.argv.slice(2).map(Number);
const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
const queue = new Queue('bench', { connection, defaultJobOptions: { removeOnComplete: false, attempts: 5 } });
await queue.waitUntilReady();

let left = 0;
let finish;
const worker = new Worker('bench', async () => null, { connection, concurrency });
worker.on('completed', () => {
  if (--left === 0) finish();
});
await worker.waitUntilReady();

/** Resolves when all are completed. */
async function drive(count) {
  left = count;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  let next = 0;
  const lane = async () => {
    while (next < count) {
      next++;
      await queue.add('noop', { n: next });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  await finished;
}

// Each system has half as many jobs before, so that V8 has compiled what is hot.
await drive(Math.ceil(jobs / 2));
const begun = performance.now();
await drive(jobs);
const seconds = (performance.now() - begun) / 1000;
console.log(JSON.stringify({ jobs, seconds, jobsPerSecond: jobs / seconds }));
await worker.close();
await queue.close();
process.exit(0);
