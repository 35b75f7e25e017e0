import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IncidentEvent, pendingRemedy, stepIncident } from '../../src/healing/incident-state.ts';
import { kindOf, planRemedy, RESPONSES, SAME_IN_A_DAY, spendEscalation, stepsOf } from '../../src/healing/ladder.ts';
import { overdue, stillOverdue } from '../../src/healing/late.ts';
import type { Incident, Remedy, RemedyKind, Verdict } from '../../src/healing/ports.ts';
import { afterFailedProbe, allowanceOf, beginQuarantine } from '../../src/healing/quarantine-rules.ts';
import { countsAsRestart, fingerprintOf, isKnown, verdictOfEnd, verdictOfFailure } from '../../src/healing/verdict.ts';

const T0 = Date.UTC(2026, 10, 24, 12);
const remedy = (kind: RemedyKind, held: boolean | null = false): Remedy => ({ kind, at: T0, what: kind, held });
const verdicts = Object.keys(RESPONSES) as Verdict[];

describe('verdicts', () => {
  it('name every end that workers come to, and none that somebody asked for', () => {
    const of = (code: string) => verdictOfEnd({ code, message: '' });
    expect(
      ['CRASHED', 'BOOT_FAILED', 'OUT_OF_MEMORY', 'OVER_LIMIT', 'TIMEOUT', 'SILENT', 'CELL_LOST', 'CHILDREN_LEFT'].map(
        of,
      ),
    ).toEqual(['crashed', 'crashed', 'out-of-memory', 'over-limit', 'stuck', 'silent', 'cell-lost', 'children-left']);
    for (const code of ['CANCELLED', 'REPLACED', 'LEASE_LOST', 'HOST_STOPPED', 'RECYCLED']) expect(of(code)).toBeNull();
    expect(of('NEVER_HEARD_OF')).toBe('crashed');
    expect(isKnown({ code: 'NEVER_HEARD_OF', message: '' })).toBe(false);
  });

  it('say nothing of faults of the programmer or the set-up: no restart would change them', () => {
    for (const code of ['NOT_JSON', 'TOO_LARGE', 'NOT_IN_NEEDS', 'NOT_ALLOWED', 'NO_PLUGIN', 'SETTINGS_INVALID']) {
      expect(verdictOfEnd({ code, message: '' })).toBeNull();
      expect(verdictOfFailure({ code: 'BOOT_FAILED', message: '', data: { cause: code } })).toBeNull();
    }
    expect(verdictOfEnd({ code: 'BOOT_FAILED', message: '', data: { cause: 'TypeError' } })).toBe('crashed');
  });

  it('say nothing of an error that the plugin threw', () => {
    expect(verdictOfFailure({ code: 'ERROR', message: 'the API is down' })).toBeNull();
    expect(verdictOfFailure(null)).toBeNull();
    expect(verdictOfFailure({ code: 'TIMEOUT', message: '' })).toBe('stuck');
  });

  it('take signals of one kind and place for the same, whatever the figures in them', () => {
    const over = (bytes: number) => ({ code: 'OVER_LIMIT', message: `held ${bytes} MB "x${bytes}"` });
    expect(fingerprintOf('a', 'over-limit', over(1))).toBe(fingerprintOf('a', 'over-limit', over(2)));
    expect(fingerprintOf('a', 'over-limit', over(1))).not.toBe(fingerprintOf('b', 'over-limit', over(1)));
    const crash = (message: string, line: number) => ({ code: 'CRASHED', message, file: 'plugins/a.ts', line });
    expect(fingerprintOf('a', 'crashed', crash('row 7 is bad', 3))).toBe(
      fingerprintOf('a', 'crashed', crash('row 8 is bad', 3)),
    );
    expect(fingerprintOf('a', 'crashed', crash('row 7 is bad', 3))).not.toBe(
      fingerprintOf('a', 'crashed', crash('row 7 is bad', 4)),
    );
    const silent = { code: 'SILENT', message: 'last beat: upload 3' };
    const hot = (line: number) => ({
      at: T0,
      tookMs: 1,
      hot: [{ name: 'spin', file: 'plugins/a.ts', line, share: 1 }],
    });
    expect(fingerprintOf('a', 'silent', silent, hot(3))).not.toBe(fingerprintOf('a', 'silent', silent, hot(4)));
  });

  it('do not count the loss of a cell against idle neighbours', () => {
    expect(countsAsRestart('cell-lost', false)).toBe(false);
    expect(countsAsRestart('cell-lost', true)).toBe(true);
    expect(countsAsRestart('crashed', false)).toBe(true);
  });
});

describe('the ladder', () => {
  const plan = (verdict: Verdict, tried: Remedy[], more: Partial<Parameters<typeof planRemedy>[0]> = {}) =>
    planRemedy({ verdict, tried, records: [], sameToday: 0, known: true, ...more });
  const kindsOf = (verdict: Verdict) => stepsOf(RESPONSES[verdict]).map(kindOf);
  const first = (...args: Parameters<typeof plan>) => kindOf(plan(...args).step!);

  it('has only actions, and leaves to other rooms what they do by themselves', () => {
    expect(RESPONSES['out-of-memory']).toMatchObject({
      ladder: ['own-cell'],
      observed: [{ kind: 'retry', by: 'jobs' }],
    });
    expect(plan('stuck', []).step).toEqual({ observed: { kind: 'kill', by: 'workers' } });
    expect(plan('late', []).step).toEqual({ action: 'catch-up' });
    expect(kindsOf('out-of-memory')).toEqual(['retry', 'own-cell', 'retry']);
    expect(kindsOf('failing-over').slice(0, 3)).toEqual(['fail-over', 'probe', 'probe']);
  });

  it('does nothing about what a machine may not decide', () => {
    expect(plan('falling-behind', [])).toEqual({ step: null, escalate: null });
  });

  it('goes up one rung with each remedy that did not hold, asks at its end, and never runs out of remedies', () => {
    for (const verdict of verdicts) {
      const kinds = kindsOf(verdict);
      if (kinds.length === 0) continue;
      const tried: Remedy[] = [];
      for (let round = 0; round < 20; round++) {
        const { step, escalate } = plan(verdict, tried);
        const kind = kindOf(step!);
        expect(kind).toBe(kinds[Math.min(round, kinds.length - 1)]);
        expect(escalate !== null).toBe(round >= kinds.length);
        tried.push(remedy(kind));
      }
    }
  });

  it('begins higher when the ledger says that the first rung never held, whatever else is in the ledger', () => {
    const retry = { fingerprint: 'f', kind: 'retry' as const, tried: 3, held: 0 };
    expect(first('out-of-memory', [], { records: [retry] })).toBe('own-cell');
    expect(first('out-of-memory', [], { records: [{ ...retry, held: 1 }] })).toBe('retry');
    expect(first('out-of-memory', [], { records: [{ ...retry, tried: 2 }] })).toBe('retry');
    expect(first('crashed', [], { records: [retry] })).toBe('retry');
    fc.assert(
      fc.property(
        fc.constantFrom(...verdicts),
        fc.array(
          fc.record({
            kind: fc.constantFrom<RemedyKind>('retry', 'kill', 'recycle', 'own-cell'),
            tried: fc.nat(9),
            held: fc.nat(9),
          }),
        ),
        fc.nat(9),
        (verdict, records, count) => {
          const { step } = plan(
            verdict,
            Array.from({ length: count }, () => remedy('retry')),
            {
              records: records.map((record) => ({ fingerprint: 'f', ...record })),
            },
          );
          if (step === null) expect(kindsOf(verdict)).toEqual([]);
          else expect(kindsOf(verdict)).toContain(kindOf(step));
        },
      ),
    );
  });

  it('asks about what is unknown, and about the same thing several times a day', () => {
    expect(plan('crashed', [], { known: false }).escalate).toContain('unknown');
    expect(plan('leaking', [], { sameToday: SAME_IN_A_DAY }).escalate).toContain('4 times');
    expect(plan('leaking', [], { sameToday: SAME_IN_A_DAY - 1 }).escalate).toBeNull();
  });
});

describe('incidents', () => {
  const fresh: Incident = {
    id: 'inc-1',
    agent: 'a',
    verdict: 'crashed',
    state: 'open',
    openedAt: T0,
    endedAt: null,
    fingerprint: 'f',
    seen: 's',
    version: 'v',
    jobs: [],
    remedies: [],
    timeline: [],
    evidence: null,
    repeats: 0,
    note: null,
  };
  const event: fc.Arbitrary<IncidentEvent> = fc.oneof(
    fc.constant<IncidentEvent>({ is: 'seen-again', at: T0, text: 'again', evidence: null }),
    fc.nat(200).map<IncidentEvent>((n) => ({ is: 'job-affected', at: T0, job: `job-${n}`, text: null })),
    fc
      .constantFrom<RemedyKind>('retry', 'own-cell')
      .map<IncidentEvent>((kind) => ({ is: 'remedied', remedy: { kind, at: T0, what: kind } })),
    fc.constant<IncidentEvent>({ is: 'worsened', at: T0, verdict: 'crash-looping', seen: 'loop' }),
    fc.constant<IncidentEvent>({ is: 'escalated', at: T0, text: 'asked' }),
    fc.constant<IncidentEvent>({ is: 'remarked', at: T0, text: 'note' }),
    fc.constant<IncidentEvent>({ is: 'noted', at: T0, note: 'mine' }),
    fc.constant<IncidentEvent>({ is: 'healed', at: T0 + 1, text: 'well' }),
    fc.constant<IncidentEvent>({ is: 'closed', at: T0 + 1, text: 'by hand', note: 'known' }),
  );

  it('keep to their states in every history: one end, a bounded record, at most one remedy that is not judged', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        let incident = fresh;
        for (const one of events) {
          const before = structuredClone(incident);
          const after = stepIncident(incident, one);
          expect(incident).toEqual(before);
          const ended = before.state === 'healed' || before.state === 'closed';
          if (ended) expect({ ...after, note: null, timeline: [] }).toEqual({ ...before, note: null, timeline: [] });
          expect(after.endedAt !== null).toBe(after.state === 'healed' || after.state === 'closed');
          expect(after.remedies.filter(({ held }) => held === null).length).toBeLessThanOrEqual(1);
          expect(Math.max(after.timeline.length, after.jobs.length, after.remedies.length)).toBeLessThanOrEqual(50);
          if (after.state === 'healed') expect(pendingRemedy(after)).toBeUndefined();
          incident = after;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('know which remedy held', () => {
    const retried = stepIncident(fresh, { is: 'remedied', remedy: remedy('retry') });
    const again = stepIncident(retried, { is: 'seen-again', at: T0, text: 'again', evidence: null });
    const celled = stepIncident(again, { is: 'remedied', remedy: remedy('own-cell') });
    const healed = stepIncident(celled, { is: 'healed', at: T0 + 9, text: 'well' });
    expect(healed.remedies.map(({ kind, held }) => [kind, held])).toEqual([
      ['retry', false],
      ['own-cell', true],
    ]);
    expect(healed).toMatchObject({ state: 'healed', endedAt: T0 + 9, repeats: 1 });
  });
});

describe('quarantine', () => {
  it('probes after a minute, then at growing distances of at most an hour and a quarter, for ever', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 30, maxLength: 30 }),
        (chances) => {
          let now = T0;
          let record = beginQuarantine({ agent: 'a', incident: 'inc-1', fingerprint: 'f' }, now, chances[0]!);
          let longest = 0;
          for (const chance of chances) {
            expect(allowanceOf(record, now)).toBe(0);
            expect(allowanceOf(record, record.nextProbeAt - 1)).toBe(0);
            expect(allowanceOf(record, record.nextProbeAt)).toBe(1);
            longest = Math.max(longest, record.nextProbeAt - now);
            now = record.nextProbeAt;
            record = afterFailedProbe(record, now, chance);
          }
          expect(record.probes).toBe(30);
          expect(longest).toBeGreaterThan(40 * 60_000);
          expect(longest).toBeLessThanOrEqual(75 * 60_000);
        },
      ),
    );
    expect(allowanceOf(undefined, T0)).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not wait for years when the clock was set back', () => {
    const record = beginQuarantine({ agent: 'a', incident: 'inc-1', fingerprint: 'f' }, T0, 0.5);
    expect(allowanceOf(record, T0 - 400 * 86_400_000)).toBe(1);
  });
});

it('asks at most so many times in any 24 hours', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(6 * 3_600_000), { maxLength: 100 }), (gaps) => {
      let budget = { asked: [] as readonly number[], perDay: 5 };
      const asked: number[] = [];
      let now = T0;
      for (const gap of gaps) {
        now += gap;
        const answer = spendEscalation(budget, now);
        budget = answer.after;
        expect(answer.may).toBe(asked.filter((at) => now - at < 86_400_000).length < 5);
        if (answer.may) asked.push(now);
      }
    }),
  );
});

it('finds what is late: planned slots and queued jobs past their grace, unless somebody holds them up on purpose', () => {
  const facts = {
    slots: [
      { agent: 'a', due: T0 - 61_000 },
      { agent: 'b', due: T0 - 59_000 },
      { agent: 'held', due: T0 - 999_000 },
    ],
    jobs: [
      { agent: 'a', nextAt: T0 - 90_000 },
      { agent: 'c', nextAt: T0 - 70_000 },
      { agent: 'd', nextAt: T0 + 5 },
    ],
    isExempt: (agent: string) => agent === 'held',
    now: T0,
  };
  const found = overdue(facts);
  expect(found).toEqual([
    { agent: 'a', due: T0 - 90_000, what: 'job' },
    { agent: 'c', due: T0 - 70_000, what: 'job' },
  ]);
  expect(stillOverdue(found, [])).toEqual([]);
  expect(stillOverdue(found, found.slice(1))).toEqual(found.slice(1));
});
