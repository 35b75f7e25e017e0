/**
 * Runs a real installation on a disk whose flushes take 200 ms to 2 s each (strace holds them up), under load. Prints a table,
 * writes bench/results/fuzz-slow.json, and ends with 1 when a promise is broken.
 *
 *   npm run build && npm run fuzz:slow -- [--rounds 20] [--seconds 10] [--seed N] [--main dist/main.js] [--keep]
 */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { canTrace } from './disk-process.ts';
import { seeded } from './random.ts';
import { ROOT, report, setting } from './result.ts';
import { slowDisk } from './slow-rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    main: { type: 'string', default: join(ROOT, 'dist/main.js') },
    result: { type: 'string', default: join(ROOT, 'bench/results/fuzz-slow.json') },
    keep: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const chance = seeded(seed);
/** Before them one that nothing holds up, to compare with. */
const delays = Array.from({ length: Number(values.rounds) }, () => chance.between(200, 2_000));

if (canTrace()) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-slow-')));
  console.log(`seed ${seed}: --seed ${seed} draws the same delays; everything is in ${folder}`);
  const about = setting(seed);
  const run = { main: resolve(values.main), seed, seconds: Number(values.seconds), say: console.log };
  const quick = await slowDisk({ ...run, folder: join(folder, 'quick'), delays: [0, 0] });
  const slow = await slowDisk({ ...run, folder: join(folder, 'slow'), delays });
  const broken = { ...quick.broken, ...slow.broken };
  report({ 'loop lag ms, undelayed': quick.inAll.loopLagMs, ...slow.inAll }, broken);
  const result = {
    ...about,
    delaysMs: '200-2000',
    ...slow,
    undelayed: quick.inAll,
    undelayedRounds: quick.rounds,
    broken,
  };
  writeFileSync(values.result, `${JSON.stringify(result, null, 2)}\n`);
  const failed = Object.keys(broken).length > 0;
  if (failed || values.keep) console.log(`the folder is kept: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
  process.exitCode = failed ? 1 : 0;
} else {
  console.log(
    'NOT TRIED: strace is not here, or not permitted, and nothing else holds up a flush (apt-get install strace)',
  );
}
