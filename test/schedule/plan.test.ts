import { expect, it } from 'vitest';
import { timetableOf } from '../../src/kernel/cron/timetable.ts';
import { laterDue, planAhead, type ScheduleCursor, slotsWithoutRow } from '../../src/schedule/plan.ts';
import { timeOf } from './world.ts';

const NOW = Date.parse('2026-11-20T10:00:30Z');
const MINUTE = 60_000;

const scheduled = (agent: string, expression: string, cursor = NOW): ScheduleCursor => ({
  agent,
  timetable: timetableOf({ expression, timezone: 'UTC' }),
  cursor,
});

it('writes the nearest slots of all agents first, and none of an agent before an earlier one of its own', () => {
  const { slots, more } = planAhead([scheduled('a', '* * * * *'), scheduled('b', '*/2 * * * *')], NOW, 10 * MINUTE, 5);
  expect(slots.map(({ agent, due }) => `${agent} ${timeOf(due)}`)).toEqual([
    'a 10:01',
    'a 10:02',
    'b 10:02',
    'a 10:03',
    'a 10:04',
  ]);
  expect(more).toBe(true);
});

it('goes on where the rows end, and stops at a schedule that never comes due again', () => {
  expect(planAhead([scheduled('a', '* * * * *', NOW + 2 * MINUTE)], NOW, 2 * MINUTE, 100)).toEqual({
    slots: [],
    more: false,
    failed: [],
  });
  expect(planAhead([scheduled('a', '0 0 31 2 *')], NOW, 2 * MINUTE, 100)).toEqual({
    slots: [],
    more: false,
    failed: [],
  });
});

it('finds the newest slots without a row, and says whether there are older ones', () => {
  const since = NOW - 10 * 60 * MINUTE;
  const some = slotsWithoutRow(scheduled('a', '* * * * *', since), NOW, 5);
  expect(some.dues.map(timeOf)).toEqual(['09:56', '09:57', '09:58', '09:59', '10:00']);
  expect(some.unlisted).toBe(true);
  expect(slotsWithoutRow(scheduled('a', '0 * * * *', since), NOW, 10).unlisted).toBe(false);
  expect(slotsWithoutRow(scheduled('a', '0 * * * *', since), NOW, 10).dues).toHaveLength(10);
  expect(slotsWithoutRow(scheduled('a', '0 * * * *', since), NOW, 9)).toMatchObject({ unlisted: true });
  expect(slotsWithoutRow(scheduled('a', '0 3 1 1 *', since), NOW, 9)).toEqual({ dues: [], unlisted: false });
  // A schedule that was dense long ago and is silent since.
  const old = slotsWithoutRow(scheduled('a', '* * * * * *', NOW - 365 * 86_400_000), NOW, 1_000);
  expect(old.dues).toHaveLength(1_000);
  expect(old.dues.at(-1)).toBe(NOW);
});

it('counts the later slots that are due too, only as far as it matters', () => {
  expect(laterDue(scheduled('a', '* * * * *'), NOW - 30_000 - 3 * MINUTE, NOW, 10)).toBe(3);
  expect(laterDue(scheduled('a', '* * * * *'), NOW - 30_000 - 99 * MINUTE, NOW, 10)).toBe(10);
  expect(laterDue(scheduled('a', '* * * * *'), NOW - 30_000, NOW, 10)).toBe(0);
});
