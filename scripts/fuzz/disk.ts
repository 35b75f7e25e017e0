/**
 * What a bad disk does to a store: logs that are damaged as by a power cut, and each system call failed in its turn by strace.
 * Prints two tables, writes bench/results/fuzz-disk.json, and ends with 1 when a promise is broken.
 *
 *   npm run build && npm run fuzz:disk -- [--seeds 1000] [--most 300] [--keep]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FaultCount, faultLoop } from './disk-faults.ts';
import { canTrace } from './disk-process.ts';
import { tornLogs } from './disk-torn.ts';

const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    most: { type: 'string', default: '300' },
    result: { type: 'string', default: join(root, 'bench/results/fuzz-disk.json') },
    keep: { type: 'boolean', default: false },
  },
});
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-disk-')));
const begun = performance.now();
const isTraced = canTrace();
if (!isTraced) console.log('strace is not here, or not permitted: no system call is failed (apt-get install strace)');
for (const part of ['torn', 'faults']) mkdirSync(join(folder, part));
const [torn, faults] = await Promise.all([
  tornLogs({ folder: join(folder, 'torn'), seeds: Number(values.seeds) }),
  isTraced
    ? faultLoop({ folder: join(folder, 'faults'), most: Number(values.most), say: console.log })
    : { counts: [], codes: {}, broken: [], absent: 'strace' },
]);
const broken = [...torn.broken, ...faults.broken];
console.log(`${torn.stores} killed stores with ${torn.acknowledgedCalls} acknowledged calls, ${torn.seeds} seeds:`);
console.table(torn.byDamage);
console.table(faults.counts.filter(({ start, call, stop, folder }) => start + call + stop + folder > 0));
const sum = (pick: (count: FaultCount) => number) => faults.counts.reduce((total, count) => total + pick(count), 0);
const inAll = {
  logs: Object.values(torn.byDamage).reduce((total, { logs }) => total + logs, 0),
  faults: sum(({ start, call, stop, folder }) => start + call + stop + folder),
  duringStart: sum(({ start }) => start),
  duringCall: sum(({ call }) => call),
  refused: sum(({ refused }) => refused),
  duringStop: sum(({ stop }) => stop),
  acknowledged: sum(({ acknowledged }) => acknowledged),
  refusedAndKept: sum(({ refusedAndKept }) => refusedAndKept),
  broken: broken.length,
};
console.table(inAll);
console.log('told as', faults.codes);
const result = {
  machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, SQLite ${process.versions.sqlite}`,
  commit,
  inAll,
  torn,
  faults,
  seconds: Math.round((performance.now() - begun) / 1_000),
};
writeFileSync(values.result, `${JSON.stringify(result, null, 2)}\n`);
for (const one of broken.slice(0, 20)) console.log(`✗ ${one}`);
if (broken.length > 0) console.log(`✗ ${broken.length} promises were broken`);
else if (isTraced) console.log('✓ no acknowledgement for a failed write, nothing acknowledged lost, nothing corrupt');
else console.log('✓ damaged logs: nothing acknowledged lost, nothing corrupt; failed calls: not looked at');
if (!values.keep) rmSync(folder, { recursive: true, force: true });
process.exitCode = broken.length > 0 ? 1 : 0;
