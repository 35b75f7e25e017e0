/**
 * The same faults in Daruma, in PM2 and in Bree, in turns: how long until each is seen, and until the work goes on.
 *
 *     npm run build && npm install --prefix bench --ignore-scripts
 *     npx tsx bench/healing.ts [--rounds 3] [--faults crash,hang] [--to healing.json]
 *
 * Daruma: `daruma drill` in an installation of its own; repaired means that the same job runs again. PM2: an app that fails
 * the same way; repaired means that a new instance has started. Bree: a job that fails the same way, with the limits of
 * Daruma's drills (heap 64 MB, `closeWorkerAfterMs` 2 s for what hangs); repaired means that another run has started. Each
 * fault is watched for 45 s at most; what never ends is watched in one round only. Takes some 8 minutes, most of them in the
 * first round. Writes bench/results/healing.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { breeFault } from './healing/bree.ts';
import { darumaFaults } from './healing/daruma.ts';
import { FAULTS, type FaultName, type Found, WATCHED_MS } from './healing/found.ts';
import { pm2Fault } from './healing/pm2.ts';
import { machineFacts, median } from './machine.ts';
import { markdown } from './markdown.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    faults: { type: 'string', default: FAULTS.join(',') },
    to: { type: 'string', default: 'healing.json' },
  },
});
const rounds = Number(values.rounds);
/** At the memory of its apps. */
const PM2_LOOKS_EVERY_MS = 30_000;
const faults = FAULTS.filter((fault) => values.faults.split(',').includes(fault));

const raw = Object.fromEntries(faults.map((fault) => [fault, { daruma: [], pm2: [], bree: [] }])) as unknown as Record<
  FaultName,
  { daruma: Found[]; pm2: Found[]; bree: Found[] }
>;
for (let round = 1; round <= rounds; round++) {
  const own = await darumaFaults(faults);
  for (const fault of faults) {
    const found = raw[fault];
    found.daruma.push(own[fault] ?? { detectMs: null, repairMs: null, note: 'no result' });
    await look(found.pm2, () => pm2Fault(fault, ((round - 1) / rounds) * PM2_LOOKS_EVERY_MS));
    await look(found.bree, () => breeFault(fault));
    const [daruma, pm2, bree] = [found.daruma, found.pm2, found.bree].map((list) => JSON.stringify(list.at(-1)));
    console.log(`round ${round}  ${fault.padEnd(9)} Daruma ${daruma}  PM2 ${pm2}  Bree ${bree}`);
  }
}
const table = faults.map((fault) => ({
  fault,
  'Daruma: seen / same job again, or all cleared': words(raw[fault].daruma),
  'PM2 7.0.4: seen / new instance': words(raw[fault].pm2),
  'Bree 9.2.9: seen / another run': words(raw[fault].bree),
}));
mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
writeFileSync(
  join(import.meta.dirname, 'results', values.to),
  `${JSON.stringify({ machine: machineFacts(), rounds, table, raw }, null, 2)}\n`,
);
console.log(markdown(table));

/** Faults that never end are watched once, not in each round. */
async function look(known: Found[], once: () => Promise<Found>) {
  if (!known.some(({ repairMs }) => repairMs === null)) known.push(await once());
}

/** Medians, and what was noted. */
function words(list: readonly Found[]): string {
  const notes = [...new Set(list.flatMap(({ note }) => note ?? []))].join(', ');
  return `${inMs(list.map(({ detectMs }) => detectMs))} / ${inMs(list.map(({ repairMs }) => repairMs))}${notes ? ` (${notes})` : ''}`;
}

function inMs(times: readonly (number | null)[]): string {
  const known = times.flatMap((time) => time ?? []);
  const isAll = known.length > 0 && known.length === times.length;
  return isAll ? `${Math.round(median(known))} ms` : `not within ${WATCHED_MS / 1_000} s`;
}
