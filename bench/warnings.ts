/**
 * Replays of seven days before the looks of early warnings: memory of workers, versions beside the one before, files and pools that grow, and figures of whole hours. Each
 * course comes with a reading a minute, from so many seeds. True courses are followed until their first word, or to their limit.
 *
 *   npx tsx bench/warnings.ts [seeds]
 *
 * Prints a row for each course, then for each signal the lead, the words that were wrong in a fortnight, precision and recall, and all signals together; writes
 * bench/results/warnings.json. docs/warnings.md quotes the rows.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COURSES, type Course, LIMIT, randomOf } from '../test/healing/courses.ts';
import { owedHours, replay, versionHours } from '../test/healing/replay.ts';
import { OTHER_COURSES, replayOther } from '../test/host/quantity-replay.ts';
import { median } from './machine.ts';

const DAYS = 7;
const STEP_MS = 60_000;
/** Bytes an hour of a version that leaks where the one before did not. */
const VERSION_LEAKS = [10, 17, 30, 60].map((mb) => mb * 1024 ** 2);
const seeds = Array.from({ length: Number(process.argv[2] ?? 20) }, (_, at) => (at + 1) * 7919);

interface Row {
  signal: string;
  course: string;
  /** Of a true course: the hours from its begin to its limit, and those from each first word to it; null: never told. */
  roomHours?: number;
  leads?: (number | null)[];
  /** Of a healthy course: words, and days. */
  words?: number;
  days?: number;
}

const rounded = (hours: number) => Number(hours.toFixed(1));
const rows: Row[] = [];

function add(row: Row) {
  rows.push(row);
  const { leads, ...rest } = row;
  const told = leads && {
    inTime: leads.filter((lead) => isInTime(row, lead)).length,
    leadHours: rounded(median(leads.map((lead) => lead ?? 0))),
    leastLead: rounded(Math.min(...leads.map((lead) => lead ?? 0))),
  };
  console.log(JSON.stringify({ ...rest, ...told }));
}

const isInTime = ({ roomHours = 0 }: Row, lead: number | null) => (lead ?? 0) >= owedHours(roomHours);

for (const course of COURSES) {
  const runs = seeds.map((seed) => replay(course, seed, DAYS, STEP_MS));
  const roomHours = runs[0]!.roomHours;
  const row = { signal: 'memory', course: course.name };
  if (roomHours === undefined)
    add({ ...row, words: runs.reduce((sum, { words }) => sum + words.length, 0), days: seeds.length * DAYS });
  else add({ ...row, roomHours: rounded(roomHours), leads: runs.map(({ leadHours }) => leadHours ?? null) });
}

function heldOf(course: Course, seed: number) {
  const held = course.of(randomOf(seed));
  return (ms: number) => held(ms).bytes;
}

for (const course of COURSES.filter(({ leakPerHour }) => !leakPerHour)) {
  const hours = seeds.map((seed) => versionHours(heldOf(course, seed), 0));
  const words = hours.filter((hour) => hour !== null).length;
  add({ signal: 'version', course: course.name, words, days: seeds.length * 5 });
}
const flat = COURSES.find(({ name }) => name === 'flat')!;
for (const perHour of VERSION_LEAKS) {
  const room = (LIMIT - 100 * 1024 ** 2) / perHour;
  const leads = seeds.map((seed) => {
    const hour = versionHours(heldOf(flat, seed), perHour);
    return hour === null ? null : room - hour;
  });
  add({ signal: 'version', course: `${perHour / 1024 ** 2} MB/h more`, roomHours: rounded(room), leads });
}

for (const course of OTHER_COURSES) {
  const runs: number[][] = [];
  for (const seed of seeds) runs.push(await replayOther(course, seed, DAYS, STEP_MS));
  const row = { signal: course.quantity, course: course.name };
  const { hitsAfter } = course;
  if (hitsAfter === undefined) add({ ...row, words: runs.flat().length, days: seeds.length * DAYS });
  else {
    const leads = runs.map(([first]) => (first === undefined ? null : hitsAfter - first));
    add({ ...row, roomHours: rounded(hitsAfter), leads });
  }
}

function summaryOf(signal: string, those: readonly Row[]) {
  const leads = those.flatMap((row) => (row.leads ?? []).map((lead) => ({ lead, inTime: isInTime(row, lead) })));
  const right = leads.filter(({ inTime }) => inTime).length;
  const wrong = those.reduce((sum, { words = 0 }) => sum + words, 0);
  const days = those.reduce((sum, row) => sum + (row.days ?? 0), 0);
  return {
    signal,
    leadHours: leads.length === 0 ? null : rounded(median(leads.map(({ lead }) => lead ?? 0))),
    wrongPerFortnight: days === 0 ? null : Number(((wrong / days) * 14).toFixed(2)),
    precision: right + wrong === 0 ? null : Number((right / (right + wrong)).toFixed(3)),
    recall: leads.length === 0 ? null : Number((right / leads.length).toFixed(3)),
  };
}

const bySignal = [...Map.groupBy(rows, ({ signal }) => signal)].map(([signal, those]) => summaryOf(signal, those));
/** An agent and its host have each signal once: what is wrong of all in a fortnight is the sum. */
const inAll = Number(bySignal.reduce((sum, { wrongPerFortnight }) => sum + (wrongPerFortnight ?? 0), 0).toFixed(2));
const all = { ...summaryOf('all', rows), wrongPerFortnight: inAll };
for (const summary of [...bySignal, all]) console.log(JSON.stringify(summary));
const results = join(import.meta.dirname, 'results');
mkdirSync(results, { recursive: true });
const text = JSON.stringify({ seeds: seeds.length, days: DAYS, stepMs: STEP_MS, bySignal, all, rows }, null, 2);
writeFileSync(join(results, 'warnings.json'), `${text}\n`);
