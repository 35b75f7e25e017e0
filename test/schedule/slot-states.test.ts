import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { decideSlot, decideSlots } from '../../src/schedule/decide.ts';
import type { Slot, SlotDecision } from '../../src/schedule/ports.ts';
import { type SlotEvent, type SlotLife, stepSlot } from '../../src/schedule/slot-state.ts';
import type { Store } from '../../src/store/ports.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { agentWith } from './world.ts';

const HISTORIES = 10_000;
const DUE = 1_000;
const ENDS = ['ran', 'skipped', 'missed', 'caught-up', 'cancelled'] as const;

interface Turn {
  before: SlotLife;
  event: SlotEvent;
  after: SlotLife | 'refused';
}

/** Lives one slot through what the numbers say, from long before its time to long after. */
function liveSlot(numbers: readonly number[]): Turn[] {
  let life: SlotLife = Object.freeze({ is: 'unwritten', due: DUE });
  const turns: Turn[] = [];
  for (const [i, number] of numbers.entries()) {
    const event = eventOf(number, (number % 400) + i * 100, `job-${i}`);
    const after = stepSlot(life, event);
    turns.push({ before: life, event, after });
    if (after !== 'refused') life = Object.freeze(after);
  }
  return turns;
}

function eventOf(number: number, now: number, job: string): SlotEvent {
  const is = (['planned', 'planned', ...ENDS] as const)[number % 7]!;
  if (is === 'planned') return { is, now };
  if (is === 'ran') return { is, job };
  return is === 'caught-up' ? { is, job, reason: 'late' } : { is, reason: 'why' };
}

const numbers = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 20, size: 'max' });
function always(law: (turns: Turn[]) => boolean) {
  fc.assert(
    fc.property(numbers, (list) => law(liveSlot(list))),
    { numRuns: HISTORIES },
  );
}
const accepted = (turns: Turn[]) => turns.filter(({ after }) => after !== 'refused') as (Turn & { after: SlotLife })[];

describe(`in ${HISTORIES.toLocaleString('en')} random histories of a slot`, () => {
  it('it ends in exactly one state: only what was missed ends once more, caught up, and that is the last', () => {
    always((turns) => {
      const ends = accepted(turns).filter(({ event }) => event.is !== 'planned' && event.is !== 'cancelled');
      const told = ends.map(({ event }) => event.is).join(' ');
      return ends.length <= 1 || told === 'missed caught-up';
    });
  });

  it('it asks for at most one job, and has one exactly when it ran or was caught up', () => {
    always((turns) => {
      const asked = accepted(turns).filter(({ event }) => 'job' in event);
      const isWhole = accepted(turns).every(
        ({ after }) => 'job' in after === (after.is === 'ran' || after.is === 'caught-up'),
      );
      return asked.length <= 1 && isWhole;
    });
  });

  it('it gives a reason for every end but the plain one', () => {
    always((turns) =>
      accepted(turns).every(({ after }) => 'reason' in after === !['planned', 'ran'].includes(after.is)),
    );
  });

  it('a cancelled one comes back only before its time, and nothing else is ever planned twice', () => {
    always((turns) =>
      turns.every(({ before, event, after }) => {
        if (event.is !== 'planned') return true;
        const mayCome = before.is === 'unwritten' || (before.is === 'cancelled' && event.now < DUE);
        return (after !== 'refused') === mayCome;
      }),
    );
  });

  it('none is stuck: while it is planned or unwritten, any end is taken', () => {
    always((turns) => {
      const last = turns.at(-1)!;
      const life = last.after === 'refused' ? last.before : last.after;
      if (life.is !== 'planned' && life.is !== 'unwritten') return true;
      return [2, 3, 4, 5, 6].every((number) => stepSlot(life, eventOf(number, 0, 'j')) !== 'refused');
    });
  });
});

it('what the schedule decides fits every slot once, and no slot a second time', () => {
  const asking = { agent: { ...agentWith('a', '* * * * *'), schedule: agentWith('a', '* * * * *').schedule! } };
  fc.assert(
    fc.property(
      fc.constantFrom('skip', 'once', 'all'),
      fc.constantFrom('skip', 'queue', 'replace'),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(120_000),
      (catchUp, overlap, count, lag) => {
        const now = 10_000_000_000;
        const schedule = { ...asking.agent.schedule, catchUp, overlap };
        const one = { agent: { ...asking.agent, schedule } };
        const later = (i: number) => Math.min(10, count - 1 - i);
        const buildCounts = Array.from({ length: count }, (_, i) =>
          decideSlot(one, { due: now - lag - (count - 1 - i) * 60_000, later: later(i) }, now),
        );
        for (const decision of decideSlots(one, buildCounts, [], now).decisions) {
          const event = eventBy(decision, 'job-1');
          const ended = stepSlot({ is: 'planned', due: decision.due }, event);
          expect(ended).toEqual({ ...event, due: decision.due });
          if (ended !== 'refused') expect(stepSlot(ended, event)).toBe('refused');
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

describe('on the real store', () => {
  let store: Store;
  let folder: string;
  let runs = 0;
  let now = 0;
  const time = { ...machineTime, now: () => now, monotonic: () => now };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'daruma-slots-'));
    store = createSqliteStore({ time, log: silentLog }, { file: join(folder, 'store.db') });
    await store.start();
  });
  afterAll(async () => {
    await store.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const due = fc.integer({ min: 1, max: 12 }).map((n) => n * 100);
  const call = fc.oneof(
    fc.record({ is: fc.constant('plan' as const), dues: fc.array(due, { minLength: 1, maxLength: 5 }) }),
    fc.record({
      is: fc.constant('decide' as const),
      ends: fc.array(fc.record({ due, state: fc.constantFrom(...ENDS) }), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({ is: fc.constant('cancel' as const), after: fc.integer({ min: 0, max: 1_200 }) }),
  );
  const history = fc.array(fc.record({ pass: fc.nat(120), call }), { minLength: 1, maxLength: 25, size: 'max' });

  it('after every call the slots on disk are what stepSlot says, and each job belongs to one of them', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (turns) => {
        const agent = `a${runs++}`;
        const lives = new Map<number, SlotLife>();
        const lifeOf = (at: number): SlotLife => lives.get(at) ?? { is: 'unwritten', due: at };
        const step = (at: number, event: SlotEvent) => {
          const next = stepSlot(lifeOf(at), event);
          if (next !== 'refused') lives.set(at, next);
          return next !== 'refused';
        };
        now = 0;
        for (const { pass, call: one } of turns) {
          now += pass;
          switch (one.is) {
            case 'plan':
              await store.plan(one.dues.map((at) => ({ agent, due: at })));
              for (const at of one.dues) step(at, { is: 'planned', now });
              break;
            case 'decide': {
              const decisions = one.ends.map(({ due: at, state }) => decisionOf(agent, at, state));
              const jobs = await store.decide(decisions);
              for (const [i, decision] of decisions.entries()) {
                const job = jobs[i];
                const wasTaken = step(decision.due, eventBy(decision, job ?? 'none'));
                expect(typeof job).toBe(!wasTaken ? 'undefined' : decision.job ? 'string' : 'object');
              }
              break;
            }
            case 'cancel': {
              const gone = [...lives.values()].filter((life) => life.is === 'planned' && life.due > one.after);
              expect(await store.cancelPlanned(agent, one.after, 'why')).toBe(gone.length);
              for (const { due: at } of gone) step(at, { is: 'cancelled', reason: 'why' });
            }
          }
          const rows = await store.slots({ agent, from: 0, to: 10_000 });
          expect(rows.map(lifeBy)).toEqual([...lives.values()].sort((a, b) => a.due - b.due));
          expect((await store.dueSlots(now, 10_000)).filter((row) => row.agent === agent).map(lifeBy)).toEqual(
            [...lives.values()]
              .filter((life) => life.is === 'planned' && life.due <= now)
              .sort((a, b) => a.due - b.due),
          );
        }
        const jobs = await store.list({ agent, limit: 1_000 });
        const asked = [...lives.values()].flatMap((life) => ('job' in life ? [life.job] : []));
        expect(jobs.map(({ id }) => id).sort()).toEqual(asked.sort());
      }),
      { numRuns: 150 },
    );
  });
});

function decisionOf(agent: string, due: number, state: SlotDecision['state']): SlotDecision {
  const job = { agent, trigger: 'schedule' as const, input: null, key: `slot:${due}`, attempts: 3 };
  if (state === 'ran') return { agent, due, state, job };
  return { agent, due, state, reason: 'why', ...(state === 'caught-up' ? { job } : {}) };
}

function eventBy({ state, reason }: SlotDecision, job: string): SlotEvent {
  if (state === 'ran') return { is: state, job };
  return state === 'caught-up' ? { is: state, job, reason: reason ?? '' } : { is: state, reason: reason ?? '' };
}

/** What the row tells, without the times at which it was written. */
function lifeBy({ state, due, job, reason }: Slot): Record<string, unknown> {
  return { is: state, due, ...(job === null ? {} : { job }), ...(reason === null ? {} : { reason }) };
}
