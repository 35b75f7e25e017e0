/**
 * Bree with a job that fails in a given way: `node bree-faults.mjs <ledger> <fault> <closeWorkerAfterMs> <heap limit in MB>`.
 * Due every second; a run that failed is followed by another at once, which its events allow and its documentation leaves to
 * the program. What Bree sees goes into the ledger.
 */
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(new URL('../package.json', import.meta.url));
const Bree = require('bree');

const [ledger, fault, closeAfterMs, heapMb] = process.argv.slice(2);
let hasFailed = false;
const bree = new Bree({
  root: false,
  logger: false,
  closeWorkerAfterMs: Number(closeAfterMs),
  jobs: [
    {
      name: 'job',
      path: fileURLToPath(new URL('./bree-fault-job.mjs', import.meta.url)),
      timeout: 0,
      interval: '1s',
      worker: { argv: [ledger, fault, heapMb], resourceLimits: { maxOldGenerationSizeMb: Number(heapMb) } },
    },
  ],
  errorHandler(error) {
    hasFailed = true;
    appendFileSync(ledger, `seen ${Date.now()} ${error.code ?? error.name}\n`);
  },
});
bree.on('worker deleted', (name) => {
  if (!hasFailed) return;
  hasFailed = false;
  bree.run(name);
});
await bree.start();
