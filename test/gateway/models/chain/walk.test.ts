import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  holdOf,
  holdsAfter,
  nextRung,
  type RungHolds,
  type WalkRung,
  type WalkTry,
} from '../../../../src/gateway/models/chain/walk.ts';
import type { RungVerdict } from '../../../../src/gateway/models/ports.ts';

const RUNGS: readonly WalkRung[] = [
  { name: 'groq', models: ['big', 'small'] },
  { name: 'cerebras', models: ['big'] },
  { name: 'ollama', models: ['local'] },
];
const NOW = 1_000_000;
const none: RungHolds = new Map();
const gone: RungVerdict = { is: 'closed', scope: 'model', forMs: 5_000, why: '404' };
const failing: RungVerdict = { is: 'next', counts: true, why: '500' };
const limited: RungVerdict = { is: 'wait', scope: 'model', until: NOW + 3_000, why: '429' };

const tried = (rung: string, model: string, verdict: RungVerdict, hasStarted = false): WalkTry => ({
  rung,
  model,
  verdict,
  hasStarted,
});

describe('the walk along the chain', () => {
  it('asks the rungs in order, each with its first model', () => {
    expect(nextRung(RUNGS, [], none, NOW)).toEqual({ is: 'ask', rung: 'groq', model: 'big' });
    expect(nextRung(RUNGS, [tried('groq', 'big', failing)], none, NOW)).toMatchObject({ rung: 'cerebras' });
  });

  it('asks the next model of a rung in the same call only when the first is gone', () => {
    const tries = [tried('groq', 'big', gone)];
    const holds = holdsAfter(none, tries[0]!, NOW);
    expect(nextRung(RUNGS, tries, holds, NOW)).toEqual({ is: 'ask', rung: 'groq', model: 'small' });
    expect(nextRung(RUNGS, [tried('groq', 'big', limited)], none, NOW)).toMatchObject({ rung: 'cerebras' });
  });

  it('does not shut a provider by the cool-down of one of its models, and does by that of the rung', () => {
    const ofModel = holdsAfter(none, tried('groq', 'big', limited), NOW);
    expect(nextRung(RUNGS, [], ofModel, NOW)).toEqual({ is: 'ask', rung: 'groq', model: 'small' });
    expect(nextRung(RUNGS, [], ofModel, NOW + 3_000)).toEqual({ is: 'ask', rung: 'groq', model: 'big' });
    const ofRung = holdsAfter(none, tried('groq', 'big', { ...limited, scope: 'rung' }), NOW);
    expect(nextRung(RUNGS, [], ofRung, NOW)).toMatchObject({ rung: 'cerebras' });
  });

  it('keeps the longer of two pauses, and forgets those that are over', () => {
    const holds = holdsAfter(none, tried('groq', 'big', gone), NOW);
    expect(holdOf(holdsAfter(holds, tried('groq', 'big', limited), NOW), 'groq', 'big', NOW)?.until).toBe(NOW + 5_000);
    const later = holdsAfter(holds, tried('ollama', 'local', { ...limited, until: NOW + 9_000 }), NOW + 6_000);
    expect([...later.keys()]).toEqual(['ollama\nlocal']);
    expect(holdsAfter(holds, tried('groq', 'big', failing), NOW)).toBe(holds);
  });

  it('says when it is worth to come back, and why no rung was left', () => {
    const holds = [tried('groq', 'big', limited), tried('groq', 'small', gone)].reduce(
      (all, one) => holdsAfter(all, one, NOW),
      none,
    );
    const tries = [
      tried('cerebras', 'big', failing),
      tried('ollama', 'local', { is: 'unusable', why: 'an empty answer' }),
    ];
    expect(nextRung(RUNGS, tries, holds, NOW)).toEqual({
      is: 'exhausted',
      isUnusable: true,
      retryAt: NOW + 3_000,
      why: [
        { rung: 'groq', why: '429' },
        { rung: 'cerebras', why: '500' },
        { rung: 'ollama', why: 'an empty answer' },
      ],
    });
    expect(nextRung([], [], none, NOW)).toMatchObject({ is: 'exhausted', retryAt: null, isUnusable: false });
    expect(nextRung([{ name: 'x', models: [] }], [], none, NOW)).toMatchObject({
      why: [{ rung: 'x', why: 'it has no model' }],
    });
  });
});

const verdicts: fc.Arbitrary<RungVerdict> = fc.oneof(
  fc.constant<RungVerdict>({ is: 'good' }),
  fc.record({ is: fc.constant('next' as const), counts: fc.boolean(), why: fc.constant('500') }),
  fc.record({ is: fc.constant('unusable' as const), why: fc.constant('empty') }),
  fc.record({
    is: fc.constant('caller' as const),
    status: fc.constant(400),
    message: fc.constant('no'),
    code: fc.constant(null),
  }),
  fc.record({
    is: fc.constant('wait' as const),
    scope: fc.constantFrom('model' as const, 'rung' as const),
    until: fc.nat(60_000),
    why: fc.constant('429'),
  }),
  fc.record({
    is: fc.constant('closed' as const),
    scope: fc.constantFrom('model' as const, 'rung' as const),
    forMs: fc.nat(60_000),
    why: fc.constant('402'),
  }),
);
const chains = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    models: fc.uniqueArray(fc.constantFrom('1', '2', '3'), { maxLength: 3 }),
  }),
  { selector: ({ name }) => name, maxLength: 4 },
);
const ends = fc.array(fc.record({ verdict: verdicts, hasStarted: fc.boolean(), ms: fc.nat(20_000) }), {
  minLength: 1,
  maxLength: 60,
});

interface History {
  calls: { tries: WalkTry[]; askedAt: number[]; isOver: boolean }[];
  /** Whether a rung was asked while it was held. */
  wasHeld: boolean;
}

/** Lives calls one after another through whatever comes of their tries. */
function live(
  rungs: readonly WalkRung[],
  list: readonly { verdict: RungVerdict; hasStarted: boolean; ms: number }[],
): History {
  let now = 0;
  let holds: RungHolds = new Map();
  const history: History = { calls: [], wasHeld: false };
  let call = { tries: [] as WalkTry[], askedAt: [] as number[], isOver: false };
  for (const { verdict, hasStarted, ms } of list) {
    const step = nextRung(rungs, call.tries, holds, now);
    if (step.is !== 'ask') {
      history.calls.push({ ...call, isOver: true });
      call = { tries: [], askedAt: [], isOver: false };
      now += ms;
      continue;
    }
    if (holdOf(holds, step.rung, step.model, now)) history.wasHeld = true;
    const known = verdict.is === 'wait' ? { ...verdict, until: now + verdict.until } : verdict;
    const one = { rung: step.rung, model: step.model, verdict: known, hasStarted: hasStarted && verdict.is !== 'wait' };
    call.tries.push(one);
    call.askedAt.push(now);
    now += ms;
    holds = holdsAfter(holds, one, now);
  }
  history.calls.push(call);
  return history;
}

const law = (holds: (history: History, rungs: readonly WalkRung[]) => boolean) =>
  fc.assert(
    fc.property(chains, ends, (rungs, list) => holds(live(rungs, list), rungs)),
    { numRuns: 1_500 },
  );

describe('laws of the walk, over random histories', () => {
  it("a caller's fault is never sent to a second rung", () =>
    law(({ calls }) => calls.every(({ tries }) => tries.slice(0, -1).every(({ verdict }) => verdict.is !== 'caller'))));

  it('no rung and no model is asked during its cool-down', () => law(({ wasHeld }) => !wasHeld));

  it('nothing falls over after the first token, and nothing after a good answer', () =>
    law(({ calls }) =>
      calls.every(({ tries }) =>
        tries.slice(0, -1).every(({ hasStarted, verdict }) => !hasStarted && verdict.is !== 'good'),
      ),
    ));

  it('a walk ends: no model is asked twice in one call, and no rung again unless its model was gone', () =>
    law(({ calls }) =>
      calls.every(({ tries }) => {
        const pairs = new Set(tries.map(({ rung, model }) => `${rung} ${model}`));
        const again = tries.filter((one, at) => tries.slice(0, at).some(({ rung }) => rung === one.rung));
        const isGone = ({ verdict }: WalkTry) => verdict.is === 'closed' && verdict.scope === 'model';
        return (
          pairs.size === tries.length &&
          again.every((one) =>
            tries
              .filter(({ rung }) => rung === one.rung)
              .slice(0, -1)
              .every(isGone),
          )
        );
      }),
    ));
});
