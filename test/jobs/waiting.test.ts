import { describe, expect, it } from 'vitest';
import { LONGEST_OUTAGE_WAIT_MS, type WaitFacts, waitOf, waitOrGiveUp } from '../../src/jobs/waiting.ts';
import type { PlainFault } from '../../src/kernel/fault.ts';

const NOW = Date.UTC(2026, 10, 24, 3);
const fault: PlainFault = { code: 'ORIGIN_DOWN', message: 'https://api.example is down', data: { last: '503' } };
const facts = (more: Partial<WaitFacts> = {}): WaitFacts => ({
  fault,
  holdUp: { until: NOW + 60_000, waitsFor: 'https://api.example' },
  startedAt: NOW - 10,
  finishedAt: NOW,
  before: { error: null, staleAt: null },
  ...more,
});
const waiting = (since: number): PlainFault => ({
  ...fault,
  data: { waitsFor: 'https://api.example', waitsSince: new Date(since).toISOString() },
});

describe('a job that is held up', () => {
  it('waits until it is worth to try again, at no cost, and remembers since when', () => {
    const end = waitOrGiveUp(facts());
    expect(end).toMatchObject({ is: 'failed', retry: 60_000, isFree: true });
    if (end.is !== 'failed') return;
    expect(waitOf(end.fault)).toEqual({ waitsFor: 'https://api.example', since: NOW - 10 });
    expect(end.fault).toMatchObject({ code: 'ORIGIN_DOWN', message: fault.message, data: { last: '503' } });
  });

  it('goes on waiting from where it began, however often it was tried in between', () => {
    const end = waitOrGiveUp(facts({ before: { error: waiting(NOW - 3_600_000), staleAt: null } }));
    expect(end.is === 'failed' && waitOf(end.fault)?.since).toBe(NOW - 3_600_000);
  });

  it('is a dead letter after a day, and says what it waited for and how to go on', () => {
    const since = NOW - LONGEST_OUTAGE_WAIT_MS + 60_000;
    expect(waitOrGiveUp(facts({ before: { error: waiting(since), staleAt: null } }))).toMatchObject({ isFree: true });
    const end = waitOrGiveUp(facts({ before: { error: waiting(since - 1), staleAt: null } }));
    expect(end).toMatchObject({ is: 'failed', retry: false, fault: { code: 'ORIGIN_DOWN' } });
    expect(end.is === 'failed' && end.fault.message).toBe(
      'waited 23h 59m for https://api.example in vain, which is as long as a job waits: https://api.example is down',
    );
    expect(end).not.toHaveProperty('isFree');
  });

  it('does not wait beyond the time after which it is of no use', () => {
    expect(waitOrGiveUp(facts({ before: { error: null, staleAt: NOW + 60_000 } }))).toMatchObject({ isFree: true });
    const end = waitOrGiveUp(facts({ before: { error: null, staleAt: NOW + 59_999 } }));
    expect(end).toMatchObject({ retry: false });
    expect(end.is === 'failed' && end.fault.message).toContain('is of no use after 2026-11-24T03:00:59.999Z');
  });

  it('another failure in between ends the wait', () => {
    const other = { code: 'ERROR', message: 'the shop answered 400' };
    const end = waitOrGiveUp(facts({ before: { error: other, staleAt: null } }));
    expect(end.is === 'failed' && waitOf(end.fault)?.since).toBe(NOW - 10);
  });
});
