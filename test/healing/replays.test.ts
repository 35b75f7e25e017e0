import { expect, it } from 'vitest';
import { COURSES } from './courses.ts';
import { owedHours, replay } from './replay.ts';

const DAYS = 3;
const STEP_MS = 60_000;
/** Each course once; bench/warnings.ts has twenty seeds, and prints what the pages quote. */
const SEEDS = [7919];

it('tells each true leak in time, and healthy courses at most once in a fortnight', () => {
  const late: string[] = [];
  const wrong: string[] = [];
  let healthyDays = 0;
  for (const course of COURSES)
    for (const seed of SEEDS) {
      const { words, roomHours, leadHours } = replay(course, seed, DAYS, STEP_MS);
      if (roomHours === undefined) {
        healthyDays += DAYS;
        for (const { hour, words: said } of words) wrong.push(`${course.name} at hour ${hour.toFixed(1)}: ${said}`);
      } else if (leadHours == null || leadHours < owedHours(roomHours))
        late.push(`${course.name}: ${leadHours?.toFixed(2) ?? 'never'} of ${roomHours.toFixed(1)} h`);
    }
  expect(late).toEqual([]);
  expect(wrong.length, wrong.join('\n')).toBeLessThanOrEqual(healthyDays / 14);
});
