/**
 * Each documented fault of a provider, in the first rung of so many calls, whole and streamed, over a real gateway process and
 * local servers of the providers' shapes: what the caller gets, after how long, and what is charged for it.
 *
 *   npm run build && npm run faults:models -- [--rounds 100] [--result file]
 *
 * Ends with 1 when a call ends otherwise than promised, the next rung takes more than 10 s, or more is charged than was billed.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FaultRounds, faultRounds, startFaultGateway } from '../test/gateway/models/fault-rounds.ts';
import { FAULT_NAMES } from '../test/gateway/models/servers/faults.ts';

/** As the settings have them by default. */
const TIMEOUT_MS = 8_000;
/** Shorter than the default of 20 s: a stream that stalls after its first token has no next rung. */
const IDLE_MS = 2_000;
const LONGEST_MS = 10_000;
/** Learnt once and never sent again: their second round would have no fault. */
const LEARNT = new Set(['400 unsupported', '400 effort']);

const ROOT = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    result: { type: 'string', default: join(ROOT, 'bench/results/model-faults.json') },
  },
});

const at = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
const rounded = (ms: number) => Math.round(ms * 10) / 10;

function summary({ ms, wrong, ...row }: FaultRounds) {
  const sorted = ms.toSorted((a, b) => a - b);
  const times = { p50: rounded(at(sorted, 0.5)), p95: rounded(at(sorted, 0.95)), max: rounded(sorted.at(-1)!) };
  return { ...row, wrong: wrong.length, examples: wrong.slice(0, 3), ms: times };
}

const to = await startFaultGateway(TIMEOUT_MS, IDLE_MS);
const rows: FaultRounds[] = [];
try {
  for (const isStream of [false, true])
    for (const fault of FAULT_NAMES) {
      if (isStream && LEARNT.has(fault)) continue;
      const row = await faultRounds(to, fault, isStream, LEARNT.has(fault) ? 1 : Number(values.rounds));
      rows.push(row);
      const { ms, outcome, wrong, doubleSpends } = summary(row);
      console.log(
        `${isStream ? 'stream' : 'whole '} ${fault.padEnd(24)} ${outcome.padEnd(7)} p50 ${ms.p50} p95 ${ms.p95} max ${ms.max} ms, wrong ${wrong}, double spends ${doubleSpends}`,
      );
    }
} finally {
  await to.stop();
}
const next = rows
  .filter(({ outcome }) => outcome === 'next')
  .flatMap(({ ms }) => ms)
  .toSorted((a, b) => a - b);
const toNext = {
  calls: next.length,
  p50: rounded(at(next, 0.5)),
  p95: rounded(at(next, 0.95)),
  p99: rounded(at(next, 0.99)),
  max: rounded(next.at(-1)!),
};
const sum = (of: (row: FaultRounds) => number) => rows.reduce((all, row) => all + of(row), 0);
const totals = {
  calls: sum(({ ms }) => ms.length),
  wrong: sum(({ wrong }) => wrong.length),
  doubleSpends: sum((row) => row.doubleSpends),
};
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`;
const terms = { rounds: Number(values.rounds), timeoutMs: TIMEOUT_MS, idleMs: IDLE_MS };
writeFileSync(
  values.result,
  `${JSON.stringify({ machine, commit, ...terms, toNext, totals, rows: rows.map(summary) }, null, 2)}\n`,
);
console.log({ toNext, totals });
if (totals.wrong > 0 || totals.doubleSpends > 0 || toNext.max > LONGEST_MS) process.exitCode = 1;
