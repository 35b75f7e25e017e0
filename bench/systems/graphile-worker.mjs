/** graphile-worker doing no-op jobs: `node graphile-worker.mjs <connection string> <jobs> <in flight>`. Producer and worker share the process. */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../package.json', import.meta.url));
const { run, Logger } = require('graphile-worker');

const [connectionString, ...numbers] = process.argv.slice(2);
const [jobs, inFlight] = numbers.map(Number);
let done = 0;
let finish;
const finished = new Promise((resolve) => {
  finish = resolve;
});
const runner = await run({
  connectionString,
  concurrency: 10,
  noHandleSignals: true,
  pollInterval: 500,
  logger: new Logger(() => () => {}),
  taskList: { noop: async () => {} },
});
runner.events.on('job:success', () => {
  if (++done === jobs) finish();
});
const begun = performance.now();
let next = 0;
const lane = async () => {
  while (next < jobs) {
    next++;
    await runner.addJob('noop', { n: next });
  }
};
await Promise.all(Array.from({ length: inFlight }, lane));
await finished;
const seconds = (performance.now() - begun) / 1000;
console.log(JSON.stringify({ jobs, seconds, jobsPerSecond: jobs / seconds }));
await runner.stop();
process.exit(0);
