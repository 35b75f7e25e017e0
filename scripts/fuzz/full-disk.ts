/**
 * Fills the disk under a host at work, and frees it again, round after round. Prints a table, writes
 * bench/results/fuzz-full.json, and ends with 1 when a promise is broken. Mounting the small disk takes root.
 *
 *   npm run build && npm run fuzz:full -- [--rounds 50] [--seed N] [--main dist/main.js]
 */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { NO_DISK } from '../../test/e2e/disk.ts';
import { fullDisk } from './full-rounds.ts';
import { seeded } from './random.ts';
import { ROOT, report, setting } from './result.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    main: { type: 'string', default: join(ROOT, 'dist/main.js') },
    result: { type: 'string', default: join(ROOT, 'bench/results/fuzz-full.json') },
  },
});
const seed = Number(values.seed);
const chance = seeded(seed);
/** Every tenth time it stays full for so long that the log cannot keep its lines in memory. */
const fullMs = Array.from({ length: Number(values.rounds) }, (_, at) =>
  at % 10 === 4 ? chance.between(25_000, 40_000) : chance.between(1_000, 10_000),
);
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-full-')));
const about = setting(seed);
console.log(`seed ${seed}: --seed ${seed} draws the same rounds`);
const outcome = await fullDisk({ main: resolve(values.main), folder, seed, fullMs, say: console.log });
rmSync(folder, { recursive: true, force: true });
if (outcome) {
  report(outcome.inAll, outcome.broken);
  writeFileSync(values.result, `${JSON.stringify({ ...about, ...outcome }, null, 2)}\n`);
  process.exitCode = Object.keys(outcome.broken).length > 0 ? 1 : 0;
} else console.log(NO_DISK);
