/** Bree doing no-op jobs, which it cannot queue: `node bree.mjs <jobs> <at once>` runs each as a thread of its own, so many at a time. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(new URL('../package.json', import.meta.url));
const Bree = require('bree');

const [jobs, atOnce] = process.argv.slice(2).map(Number);
const path = fileURLToPath(new URL('./bree-job.mjs', import.meta.url));
const names = Array.from({ length: atOnce }, (_, index) => `noop-${index}`);
const bree = new Bree({ root: false, logger: false, jobs: names.map((name) => ({ name, path })) });
let started = 0;
let done = 0;
let finish;
const finished = new Promise((resolve) => {
  finish = resolve;
});
const runNext = (name) => {
  if (started++ < jobs) bree.run(name);
};
bree.on('worker deleted', (name) => {
  if (++done === jobs) finish();
  runNext(name);
});
const begun = performance.now();
for (const name of names) runNext(name);
await finished;
const seconds = (performance.now() - begun) / 1000;
console.log(JSON.stringify({ jobs, seconds, jobsPerSecond: jobs / seconds }));
process.exit(0);
