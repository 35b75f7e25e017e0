import fc from 'fast-check';
import { expect } from 'vitest';
import type { AttemptRef, JobQueue, JobRecords, Settlement } from '../../src/jobs/ports.ts';
import { type AttemptEnd, settle } from '../../src/jobs/settle.ts';
import type { End, JobModel } from './model.ts';

const agent = fc.nat(1);
const pick = fc.nat(1_000);
const seldom = (most: number) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(most) });

/** One call of the store, by numbers that are looked up in the world when it is made. */
export const anyCall = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('add' as const),
      agent,
      priority: fc.constantFrom(0, 0, 0, 5, -100, 100),
      delay: fc.constantFrom(0, 0, 0, 20),
      key: seldom(3),
      stale: seldom(60),
      attempts: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('claim' as const),
      agent,
      limit: fc.nat(4),
      owner: fc.constantFrom(
        { host: 'host', run: 'now' },
        { host: 'host', run: 'now' },
        { host: 'host', run: 'before' },
        { host: 'neighbour', run: 'now' },
      ),
      lease: fc.constantFrom(20, 100),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      is: fc.constant('settle' as const),
      picks: fc.array(pick, { minLength: 1, maxLength: 3 }),
      end: fc.constantFrom('done', 'failed', 'failed', 'gave up', 'later', 'held up', 'cancelled'),
      chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constantFrom('release', 'release', 'renew', 'cancel', 'promote', 'redrive', 'drop', 'cancel many'),
      pick,
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('take over' as const) }) },
);
export type StoreCall = typeof anyCall extends fc.Arbitrary<infer C> ? C : never;

export interface CallWorld {
  store: JobQueue & JobRecords;
  model: JobModel;
  /** Names this history's agents. */
  run: string;
  /** Every attempt that was ever handed out, so that late ends are among those that are tried. */
  handed: AttemptRef[];
  /** Those that were not given back: none of them is handed out twice. */
  started: Set<string>;
  /** Each call is answered before the next one is made. */
  isAlone: boolean;
  now: number;
}

const BACKOFF = { first: 5, longest: 30 };
const FAULT = { code: 'E', message: 'e' };
/** Why a person cancels: the store knows an end that comes again by its values, and an attempt's own end has another reason. */
const BY_HAND = { code: 'CANCELLED', message: 'by hand' };

/** Calls the store; the returned check does the same to the model and compares, in the order of the calls. */
export async function callStore(call: StoreCall, world: CallWorld): Promise<() => void> {
  const { store, model, handed, started, now, run } = world;
  const attemptAt = (at: number) => recent(handed, at) ?? { job: 'job-none', attempt: 1 };
  const jobAt = (at: number) => recent(model.jobs, at)?.id ?? 'job-none';
  switch (call.is) {
    case 'add': {
      const job = {
        agent: `${run}-${call.agent}`,
        trigger: 'manual' as const,
        input: null,
        attempts: call.attempts,
        priority: call.priority,
        inMs: call.delay,
        ...(call.key === undefined ? {} : { key: `k${call.key}` }),
        ...(call.stale === undefined ? {} : { staleAt: now + call.stale }),
      };
      const [answer] = await store.add([job]);
      return () => {
        const first = model.add(job, now, answer!.id);
        if (first === undefined) return expect(answer).toEqual({ id: answer!.id, isNew: true });
        const { is } = model.find(first)!.life;
        const holder = { state: is, queuedAt: expect.any(Number), sameInput: true };
        expect(answer).toEqual({ id: first, isNew: false, first: holder });
      };
    }
    case 'claim': {
      const name = `${run}-${call.agent}`;
      const terms = { owner: call.owner, leaseMs: call.lease };
      const [answer] = await store.claim([{ agent: name, version: 'v', limit: call.limit }], terms);
      return () => {
        const wanted = model.claim(name, call.limit, terms, now);
        const taken = answer!.assignments.map(({ job, attempt }) => ({ job, attempt }));
        expect(taken).toEqual(wanted.taken);
        if (wanted.nextInMs !== null && wanted.nextInMs <= 0) expect(answer!.nextInMs).toBeLessThanOrEqual(0);
        else expect(answer!.nextInMs).toBe(wanted.nextInMs);
        for (const ref of taken) {
          expect(started.has(nameOf(ref))).toBe(false);
          started.add(nameOf(ref));
          handed.push(ref);
        }
      };
    }
    case 'settle': {
      const ends = call.picks.map((at) => endOf(attemptAt(at), call.end, call.chance, world));
      const kept = await store.settle(ends.map(({ settlement }) => settlement));
      return () => {
        const wanted = ends.map(({ settlement, event }) => model.settle(settlement, event));
        expect(kept).toEqual(wanted);
      };
    }
    case 'take over': {
      const owner = { host: 'host', run: 'now' };
      const refs = (await store.abandoned(owner))
        .filter((job) => job.agent.startsWith(`${run}-`))
        .map(({ id, attempt }) => ({ job: id, attempt }));
      // A host that takes over is alone: nobody renews a lease between its look and its word.
      const ends = world.isAlone ? refs.map((ref) => endOf(ref, 'later', 0, world).settlement) : [];
      const kept = await store.settle(ends);
      return () => {
        expect(refs).toEqual(model.abandoned(owner, now));
        const wanted = ends.map((end) =>
          model.settle(end, { is: 'lost', attempt: end.attempt, owner, now, again: now + (end.inMs ?? 0) }),
        );
        expect(kept).toEqual(wanted);
        expect(wanted).not.toContain(false);
      };
    }
    case 'release': {
      const ref = attemptAt(call.pick);
      await store.release([ref]);
      return () => {
        if (model.step(ref.job, { is: 'released', attempt: ref.attempt })) started.delete(nameOf(ref));
      };
    }
    case 'renew': {
      const ref = attemptAt(call.pick);
      const lost = await store.renew([ref], 100);
      return () => {
        const isHeld = model.step(ref.job, { is: 'renewed', attempt: ref.attempt, leaseUntil: now + 100 });
        expect(lost).toEqual(isHeld ? [] : [ref]);
      };
    }
    case 'cancel': {
      const id = jobAt(call.pick);
      const was = await store.cancel(id, BY_HAND);
      return () => expect(was?.state).toBe(model.cancel(id));
    }
    case 'cancel many': {
      const ids = [...new Set([call.pick, call.pick + 1, call.pick + 2].map(jobAt))];
      const were = await store.cancelMany(ids, BY_HAND);
      return () => {
        const wanted = ids.flatMap((id) => {
          const attempt = model.find(id)?.life.attempt;
          const state = model.cancel(id);
          return state ? [{ id, state, attempt }] : [];
        });
        expect(were).toEqual(wanted);
      };
    }
    case 'promote': {
      const id = jobAt(call.pick);
      const sooner = await store.promote([id]);
      return () => expect(sooner).toEqual(model.step(id, { is: 'promoted', now }) ? [id] : []);
    }
    case 'redrive': {
      const id = jobAt(call.pick);
      const back = await store.redrive([id]);
      return () => expect(back).toEqual(model.redrive(id, now) ? [id] : []);
    }
    default: {
      const id = jobAt(call.pick);
      const dropped = await store.drop([id], BY_HAND);
      return () => expect(dropped).toEqual(model.step(id, { is: 'dropped' }) ? [id] : []);
    }
  }
}

/** Every job of the store is what the model says, down to the time at which it may start. */
export async function compare({ store, model }: Pick<CallWorld, 'store' | 'model'>): Promise<void> {
  const jobs = await Promise.all(model.jobs.map(({ id }) => store.get(id)));
  for (const [i, { life }] of model.jobs.entries()) {
    const { attempt, attempts, staleAt, is } = life;
    const runAt = 'runAt' in life ? { runAt: life.runAt } : {};
    expect(jobs[i]).toMatchObject({ state: is, attempt, attempts, staleAt, ...runAt });
    expect(attempt).toBeLessThanOrEqual(attempts);
  }
}

/** The end as the host decides it by `settle`, and what the law is told. */
function endOf(ref: AttemptRef, how: string, chance: number, world: CallWorld): { settlement: Settlement; event: End } {
  const { attempt, job } = ref;
  const { now } = world;
  const attempts = world.model.find(job)?.life.attempts ?? 1;
  const end = endBy(how);
  const settlement = settle({ job, attempt, attempts, startedAt: now, finishedAt: now }, end, BACKOFF, chance);
  if (settlement.state === 'done' || settlement.state === 'cancelled') {
    return { settlement, event: { is: settlement.state, attempt } };
  }
  const isFree = end.is === 'failed' && end.isFree === true;
  return {
    settlement,
    event: { is: 'failed', attempt, again: settlement.inMs === undefined ? null : now + settlement.inMs, isFree },
  };
}

function endBy(how: string): AttemptEnd {
  switch (how) {
    case 'done':
      return { is: 'done', result: '1' };
    case 'cancelled':
      return { is: 'cancelled', why: FAULT };
    case 'gave up':
      return { is: 'failed', fault: FAULT, retry: false };
    case 'later':
      return { is: 'failed', fault: FAULT, retry: 12 };
    case 'held up':
      return { is: 'failed', fault: FAULT, retry: 12, isFree: true };
    default:
      return { is: 'failed', fault: FAULT, retry: true };
  }
}

function nameOf({ job, attempt }: AttemptRef): string {
  return `${job} ${attempt}`;
}

/** Mostly one of the last few, else any: so that ends meet attempts that are held, and late ones too. */
function recent<T>(list: readonly T[], at: number): T | undefined {
  const window = at % 3 === 0 ? list.length : Math.min(list.length, 4);
  return list[list.length - 1 - (at % Math.max(1, window))];
}
