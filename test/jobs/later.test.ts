import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LONGEST_OUTAGE_WAIT_MS, laterOrCount, MOST_WAITS, waitOf, waitsOf } from '../../src/jobs/waiting.ts';
import type { PlainFault } from '../../src/kernel/fault.ts';

const NOW = Date.UTC(2026, 10, 24, 3);
const MINUTE = 60_000;
const fault: PlainFault = { code: 'RETRY_LATER', message: 'busy', data: { own: 1 } };

function later(pauseMs: number, at = NOW, before: { error: PlainFault | null; staleAt?: number } = { error: null }) {
  const end = laterOrCount({
    fault,
    pauseMs,
    startedAt: at - 10,
    finishedAt: at,
    before: { error: before.error, staleAt: before.staleAt ?? null },
  });
  if (end.is !== 'failed') throw new Error('it failed');
  return end;
}

describe('a plugin that asks to be tried later', () => {
  it('loses no attempt, and how often it asked since when is kept', () => {
    const first = later(MINUTE);
    expect(first).toMatchObject({ retry: MINUTE, isFree: true, fault: { message: 'busy', data: { own: 1 } } });
    expect(waitsOf(first.fault)).toEqual({ waits: 1, since: NOW - 10, isFree: true });
    const second = later(MINUTE, NOW + MINUTE, { error: first.fault });
    expect(waitsOf(second.fault)).toEqual({ waits: 2, since: NOW - 10, isFree: true });
    expect(waitOf(second.fault)).toBeUndefined();
  });

  it('begins to count anew after an attempt that failed of something else', () => {
    const end = later(MINUTE, NOW, { error: { code: 'ERROR', message: 'broken' } });
    expect(waitsOf(end.fault)?.waits).toBe(1);
  });

  it('loses attempts after a day in all, keeps its pause, and says so', () => {
    const end = later(2 * 3_600_000, NOW + 23 * 3_600_000, { error: later(MINUTE).fault });
    expect(end).toMatchObject({ retry: 2 * 3_600_000 });
    expect(end.isFree).toBeUndefined();
    expect(end.fault.message).toBe(
      'busy (asked 2 times to be tried later, for 1d 1h in all: now it counts as an attempt)',
    );
    expect(waitsOf(end.fault)?.isFree).toBe(false);
  });

  it('counts at once when one wait is longer than a day', () => {
    expect(later(30 * LONGEST_OUTAGE_WAIT_MS)).toMatchObject({ retry: 30 * LONGEST_OUTAGE_WAIT_MS });
    expect(later(30 * LONGEST_OUTAGE_WAIT_MS).isFree).toBeUndefined();
  });

  it('is a dead letter where it would be of no use by then', () => {
    const end = later(MINUTE, NOW, { error: null, staleAt: NOW + MINUTE - 1 });
    expect(end).toMatchObject({ retry: false });
    expect(end.fault.message).toMatch(
      /^asked to be tried in 1m, and is of no use after 2026-11-24T03:00:59\.999Z: busy$/,
    );
    expect(later(MINUTE, NOW, { error: null, staleAt: NOW + MINUTE }).isFree).toBe(true);
  });

  it('never waits for free longer than a day or more often than a thousand times, whatever it asks for', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 1_000, MINUTE, 3_600_000, 30_000_000)), (pauses) => {
        let at = NOW;
        let error: PlainFault | null = null;
        for (const pause of [...pauses, ...Array<number>(1_010).fill(0)]) {
          const end = later(pause, at, { error });
          if (end.isFree) expect(at + pause - NOW).toBeLessThanOrEqual(LONGEST_OUTAGE_WAIT_MS);
          error = end.fault;
          at += pause + 10;
        }
        expect(waitsOf(error)).toMatchObject({ waits: pauses.length + 1_010, isFree: false });
        expect(MOST_WAITS).toBe(1_000);
      }),
      { numRuns: 30 },
    );
  });
});
