/**
 * Kills the processes of a real installation under load and compares an outside ledger with the store. Prints a table,
 * writes bench/results/fuzz-crash.json, and ends with 1 when a promise is broken.
 *
 *   npm run build && npm run fuzz:crash -- [--rounds 300] [--seconds 470] [--seed N] [--main dist/main.js] [--keep]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { clear, crashFuzz } from './rounds.ts';

const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '470' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    main: { type: 'string', default: join(root, 'dist/main.js') },
    result: { type: 'string', default: join(root, 'bench/results/fuzz-crash.json') },
    keep: { type: 'boolean', default: false },
  },
});
function commit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}

const seed = Number(values.seed);
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-fuzz-')));
console.log(`seed ${seed}: --seed ${seed} replays it; everything is in ${folder}`);
const of = commit();
const outcome = await crashFuzz({
  main: resolve(values.main),
  folder,
  seed,
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  say: console.log,
});
const { kills, recovery, cellsGone, broken, jobs, deadBecause, refusals, ...figures } = outcome;
console.table({
  ...figures,
  ...Object.fromEntries(Object.entries(kills).map(([blow, times]) => [`kills: ${blow}`, times])),
  ...Object.fromEntries(Object.entries(jobs).map(([state, count]) => [`jobs ${state}`, count])),
  ...Object.fromEntries(Object.entries(deadBecause).map(([code, count]) => [`dead because of ${code}`, count])),
  ...Object.fromEntries(Object.entries(refusals).map(([code, count]) => [`orders refused with ${code}`, count])),
  'recovery ms p50 / p95 / longest': `${recovery.p50} / ${recovery.p95} / ${recovery.longest}`,
  'cells gone ms p50 / p95 / longest': `${cellsGone.p50} / ${cellsGone.p95} / ${cellsGone.longest}`,
  'promises broken': Object.keys(broken).length,
});
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`;
writeFileSync(values.result, `${JSON.stringify({ machine, commit: of, seed, ...outcome }, null, 2)}\n`);
for (const [promise, openIncidents] of Object.entries(broken)) {
  console.log(`✗ ${promise}: ${openIncidents.length} times`);
  for (const one of openIncidents.slice(0, 10)) console.log(`    ${one}`);
}
const failed = Object.keys(broken).length > 0;
console.log(
  failed
    ? `✗ promises were broken; the folder is kept: ${folder}`
    : '✓ nothing lost, nothing stuck, nothing repeated in silence',
);
if (!failed && !values.keep) clear(folder);
process.exitCode = failed ? 1 : 0;
