/**
 * What clocks do to schedules: every change for summer or winter, against Temporal; and a host at work whose clock is set, or
 * whose machine sleeps (libfaketime tells it the time). Prints tables, writes bench/results/fuzz-clocks.json, and ends with 1
 * when a promise is broken.
 *
 *   npm run build && npm run fuzz:clocks -- [--times 20] [--expressions 20] [--seed N] [--main dist/main.js]
 */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { clockFuzz, clockLibrary } from './clock-rounds.ts';
import { ROOT, report, setting } from './result.ts';
import { seasons } from './seasons.ts';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    expressions: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    main: { type: 'string', default: join(ROOT, 'dist/main.js') },
    result: { type: 'string', default: join(ROOT, 'bench/results/fuzz-clocks.json') },
  },
});
const seed = Number(values.seed);
const about = setting(seed);
console.log(`seed ${seed}: --seed ${seed} draws the same`);
const { broken: wrong, ...changes } = seasons(seed, Number(values.expressions));
report(changes as unknown as Record<string, unknown>, wrong);

const home = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-clocks-')));
const run = { main: resolve(values.main), home, times: Number(values.times), seed, say: console.log };
const jumped = clockLibrary() ? await clockFuzz(run) : undefined;
if (jumped) for (const [jump, figures] of Object.entries(jumped.jumps)) report({ jump, ...figures }, {});
else console.log('NOT TRIED: a clock that is set (libfaketime is not here: apt-get install faketime)');
if (jumped) report(jumped.inAll, jumped.broken);
const broken = { ...wrong, ...jumped?.broken };
const result = { ...about, changes, ...(jumped ? { jumps: jumped.jumps, inAll: jumped.inAll } : {}), broken };
if (jumped) writeFileSync(values.result, `${JSON.stringify(result, null, 2)}\n`);
const failed = Object.keys(broken).length > 0;
if (failed) console.log(`the folder is kept: ${home}`);
else rmSync(home, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
