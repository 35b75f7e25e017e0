import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Time } from '../../src/kernel/time.ts';
import { blameOf } from '../../src/workers/blame.ts';
import { createHeldAttempts } from '../../src/workers/held-attempts.ts';
import { createSuspects } from '../../src/workers/suspects.ts';

const because = (code: string) => ({ code, message: 'it ended' });
const none = { culprits: [], isProven: () => false };

describe('the end of a worker', () => {
  it('is put down to the job that was alone, whatever is known of it', () => {
    const code = fc.constantFrom('TIMEOUT', 'OUT_OF_MEMORY', 'CELL_LOST', 'HOST_STOPPED');
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.integer({ min: 1, max: 100 }), code, (seq, concurrency, of) => {
        const blames = blameOf({ ...none, begun: [seq], concurrency, because: because(of) });
        expect([...blames]).toEqual([[seq, { is: 'culprit', why: because(of) }]]);
      }),
    );
  });

  it('judges each job that had begun, and never lets all of them off as victims', () => {
    const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(seqs, seqs, seqs, (begun, named, proven) => {
        const culprits = named.map((seq) => ({ seq, why: because('TIMEOUT') }));
        const isProven = (seq: number) => proven.includes(seq);
        const blames = blameOf({ begun, concurrency: 10, because: because('CRASHED'), culprits, isProven });
        expect([...blames.keys()]).toEqual(begun);
        const kinds = [...blames.values()].map(({ is }) => is);
        const isNamed = begun.some((seq) => named.includes(seq));
        const guilty = begun.filter(isNamed ? (seq) => named.includes(seq) : isProven);
        if (guilty.length === 0) expect(new Set(kinds)).toEqual(new Set(['suspect']));
        else
          for (const [seq, blame] of blames) {
            expect(blame.is).toBe(guilty.includes(seq) ? 'culprit' : 'victim');
            if (blame.is === 'victim') expect(guilty).toContain(blame.of);
          }
      }),
    );
  });

  it.each(['HOST_STOPPED', 'RESTARTED', 'BOOT_FAILED'])('by %s comes to all of them alike', (code) => {
    const blames = blameOf({ ...none, begun: [1, 2], concurrency: 5, because: because(code) });
    expect([...blames.values()].map(({ is }) => is)).toEqual(['culprit', 'culprit']);
  });

  it('comes to all that had begun where jobs run one after the other', () => {
    const blames = blameOf({ ...none, begun: [1, 2], concurrency: 1, because: because('CELL_LOST') });
    expect([...blames.values()].map(({ is }) => is)).toEqual(['culprit', 'culprit']);
  });
});

describe('suspects', () => {
  function world() {
    let now = 0;
    const time = { monotonic: () => now, now: () => now } as Time;
    const suspects = createSuspects(time);
    const pass = (ms: number) => {
      now += ms;
    };
    return { suspects, time, pass };
  }

  it('are sought until each has ended by itself or alone, however long its trial takes', () => {
    const step = fc.tuple(fc.constantFrom('ends', 'dies', 'returns'), fc.integer({ min: 0, max: 600_000 }));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
        const { suspects, pass } = world();
        suspects.accuse(['a']);
        let isSought = true;
        for (const [how, ms] of steps) {
          if (!isSought) break;
          suspects.given('a');
          pass(ms);
          expect(suspects.areSought()).toBe(true);
          if (how === 'returns') suspects.cameBack('a', false);
          if (how === 'ends') suspects.cameBack('a', true);
          if (how === 'dies') suspects.prove('a');
          isSought = how === 'returns';
          expect(suspects.areSought()).toBe(isSought);
          expect(suspects.isProven('a')).toBe(how === 'dies');
        }
      }),
    );
  });

  it('are not awaited for longer than a minute', () => {
    const { suspects, pass } = world();
    suspects.accuse(['a', 'b']);
    pass(60_000);
    expect(suspects.areSought()).toBe(true);
    suspects.given('b');
    pass(1);
    suspects.cameBack('b', true);
    expect(suspects.areSought()).toBe(false);
  });

  it.each(['BOOT_FAILED', 'RESTARTED', 'HOST_STOPPED'])(
    'are awaited no longer than a minute after their next worker ended of %s',
    (code) => {
      const { suspects, time, pass } = world();
      const reports = { ended() {}, released() {}, changed() {}, flush() {} };
      const needs = { worker: 'w1', fingerprint: 'f', concurrency: 5, took() {} };
      const held = createHeldAttempts({ ...needs, time, reports, suspects });
      const job = (id: string) => ({ job: id, attempt: 1, attempts: 9, trigger: 'manual' as const });
      const rest = { agent: 'x', slot: null, input: null, queuedAt: 0, runAt: 0, depth: 0 };
      suspects.accuse(['a', 'b']);
      held.take([
        { ...job('a'), ...rest },
        { ...job('b'), ...rest },
      ]);
      held.close(because(code), () => true);
      pass(60_001);
      expect(suspects.areSought()).toBe(false);
    },
  );

  it('are forgiven once they end by themselves', () => {
    const { suspects } = world();
    suspects.prove('a');
    suspects.cameBack('a', false);
    expect(suspects.isProven('a')).toBe(true);
    suspects.cameBack('a', true);
    expect(suspects.isProven('a')).toBe(false);
  });
});
