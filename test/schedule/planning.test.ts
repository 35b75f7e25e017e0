import { expect, it } from 'vitest';
import { neverDue, type Planning, whyUnscheduled } from '../../src/schedule/planning.ts';

const T0 = Date.UTC(2026, 10, 27, 9);
const MINUTE = 60_000;
const trouble = {
  since: T0 - 2 * MINUTE,
  fault: { code: 'STORE_FULL', message: 'the disk is full', next: 'free space' },
};
const planned = (upTo: number, more = {}): Planning => ({ is: 'planned', upTo, trouble: undefined, ...more });
const waiting = (since: number, more = {}): Planning => ({ is: 'waiting', since, trouble: undefined, ...more });

it('an agent with a next slot, without a schedule, or whose schedule has ended needs no reason', () => {
  expect(whyUnscheduled(planned(T0 + MINUTE), T0 + 5, T0)).toBeUndefined();
  expect(whyUnscheduled(undefined, undefined, T0)).toBeUndefined();
  expect(whyUnscheduled({ is: 'ended', text: 'at …' }, undefined, T0)).toBeUndefined();
});

it('a schedule that cannot be kept gives its own fault', () => {
  const fault = neverDue({ text: '0 0 31 2 *' });
  expect(fault).toMatchObject({ code: 'SCHEDULE_INVALID', next: 'change its schedule' });
  expect(fault.message).toContain('0 0 31 2 *');
  expect(whyUnscheduled({ is: 'failed', since: T0, fault }, undefined, T0)).toBe(fault);
});

it('slots that are planned ahead and have no row are lost, but for two seconds of a clock that was set back', () => {
  expect(whyUnscheduled(planned(T0 + 2_000), undefined, T0)).toBeUndefined();
  expect(whyUnscheduled(planned(T0 + 2_001), undefined, T0)).toMatchObject({
    code: 'SLOT_LOST',
    next: 'daruma logs --level error',
  });
});

it('slots may be planned late for a minute, and not for longer', () => {
  for (const of of [planned, waiting]) {
    expect(whyUnscheduled(of(T0 - MINUTE), undefined, T0)).toBeUndefined();
    expect(whyUnscheduled(of(T0 - MINUTE - 1), undefined, T0)).toEqual({
      code: 'NOT_PLANNED',
      message: 'its slots have not been planned for 1m',
      next: 'daruma logs --level error',
    });
  }
  expect(whyUnscheduled(planned(T0), undefined, T0)).toBeUndefined();
});

it('while the store refuses slots, the minute counts from the first refusal, and the fault says which', () => {
  for (const planning of [planned(T0, { trouble }), waiting(T0, { trouble })])
    expect(whyUnscheduled(planning, undefined, T0)).toEqual({
      code: 'NOT_PLANNED',
      message: 'its slots have not been planned for 2m: the disk is full',
      next: 'free space',
    });
});
