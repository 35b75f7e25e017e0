/**
 * Replays of seven days of memory before the watch of leaks: each course of test/healing/courses.ts, with readings each ten seconds, from
 * so many seeds. True leaks are followed until they are told, or reach their limit.
 *
 *   npx tsx bench/leak-replays.ts [seeds]
 *
 * Prints a row for each course, the words that were wrong, and precision and recall; writes bench/results/leak-replays.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COURSES } from '../test/healing/courses.ts';
import { owedHours, replay } from '../test/healing/replay.ts';
import { median } from './machine.ts';

const DAYS = 7;
const STEP_MS = 10_000;
const seeds = Number(process.argv[2] ?? 20);
interface LeakRow {
  course: string;
  roomHours: number;
  told: number;
  inTime: number;
  leadHours: number;
}
const leaks: LeakRow[] = [];
const healthy: { course: string; words: number; days: number }[] = [];
for (const course of COURSES) {
  const runs = Array.from({ length: seeds }, (_, at) => replay(course, (at + 1) * 7919, DAYS, STEP_MS));
  const roomHours = runs[0]!.roomHours;
  if (roomHours === undefined) {
    healthy.push({
      course: course.name,
      words: runs.reduce((sum, { words }) => sum + words.length, 0),
      days: seeds * DAYS,
    });
    console.log(JSON.stringify(healthy.at(-1)));
    continue;
  }
  leaks.push({
    course: course.name,
    roomHours: Number(roomHours.toFixed(1)),
    told: runs.filter(({ leadHours }) => leadHours !== null).length,
    inTime: runs.filter(({ leadHours }) => (leadHours ?? 0) >= owedHours(roomHours)).length,
    leadHours: Number(median(runs.map(({ leadHours }) => leadHours ?? 0)).toFixed(1)),
  });
  console.log(JSON.stringify(leaks.at(-1)));
}
const wrong = healthy.reduce((sum, { words }) => sum + words, 0);
const inTime = leaks.reduce((sum, row) => sum + row.inTime, 0);
const days = healthy.reduce((sum, row) => sum + row.days, 0);
const summary = {
  seeds,
  wrongPerFortnight: Number(((wrong / days) * 14).toFixed(2)),
  precision: Number((inTime / (inTime + wrong)).toFixed(3)),
  recall: Number((inTime / (leaks.length * seeds)).toFixed(3)),
};
console.log(JSON.stringify(summary));
const results = join(import.meta.dirname, 'results');
mkdirSync(results, { recursive: true });
writeFileSync(
  join(results, 'leak-replays.json'),
  `${JSON.stringify({ ...summary, days: DAYS, stepMs: STEP_MS, leaks, healthy }, null, 2)}\n`,
);
