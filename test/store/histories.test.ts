import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AttemptRef, Settlement } from '../../src/jobs/ports.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore, type SqliteStore } from '../../src/store/sqlite/index.ts';
import { JobModel } from './model.ts';

const STATES = ['done', 'retrying', 'dead', 'cancelled'] as const;
const agent = fc.nat(1);
const pick = fc.nat(1_000);
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('add' as const),
      agent,
      priority: fc.constantFrom(0, 0, 0, 5, -100, 100),
      delay: fc.constantFrom(0, 0, 0, 20),
      key: fc.option(fc.nat(3), { nil: undefined }),
      stale: fc.option(fc.nat(60), { nil: undefined, freq: 3 }),
      attempts: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('claim' as const), agent, limit: fc.nat(4) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('settle' as const),
      picks: fc.array(pick, { minLength: 1, maxLength: 3 }),
      state: fc.constantFrom(...STATES),
      pause: fc.nat(40),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constantFrom('release', 'renew', 'cancel', 'redrive', 'redrive', 'drop'), pick }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;
/** Commands of one turn are sent at once, so they travel and are committed together. */
const history = fc.array(
  fc.record({
    pass: fc.nat(30),
    commands: fc.array(command, { minLength: 1, maxLength: 6 }),
    restart: fc.integer({ min: 1, max: 100 }),
  }),
  { minLength: 1, maxLength: 25 },
);

let store: SqliteStore;
let folder: string;
let runs = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-store-'));
  store = createSqliteStore({ time: machineTime, log: silentLog }, { file: join(folder, 'store.db') });
  await store.start();
});
afterAll(async () => {
  await store.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('any history of calls ends as the plain model of the ports says: no job lost, none claimed twice, the fence kept', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (turns) => {
      const run = `run${runs++}`;
      const world = { model: new JobModel(), handed: [] as AttemptRef[], held: new Set<string>(), now: 1_000_000 };
      for (const { pass, commands, restart } of turns) {
        world.now += pass;
        const checks = await Promise.all(commands.map((one) => send(one, run, world)));
        for (const check of checks) check();
        if (restart === 50) {
          await store.stop();
          await store.start();
        }
      }
      await compare(world.model, run);
    }),
    { numRuns: 100, endOnFailure: false },
  );
});

interface World {
  model: JobModel;
  /** Every attempt that was ever handed out, so that late ends are among those that are tried. */
  handed: AttemptRef[];
  held: Set<string>;
  now: number;
}

/** Calls the store; the returned check applies the same to the model and compares, in the order of the calls. */
async function send(one: Command, run: string, world: World): Promise<() => void> {
  const { model, handed, held, now } = world;
  const attemptAt = (at: number) => recent(handed, at) ?? { job: 'job-none', attempt: 1 };
  const jobAt = (at: number) => recent(model.jobs, at)?.id ?? 'job-none';
  switch (one.is) {
    case 'add': {
      const job = {
        agent: `${run}-${one.agent}`,
        trigger: 'manual' as const,
        input: null,
        attempts: one.attempts,
        priority: one.priority,
        runAt: now + one.delay,
        ...(one.key === undefined ? {} : { key: `k${one.key}` }),
        ...(one.stale === undefined ? {} : { staleAt: now + one.stale }),
      };
      const [answer] = await store.add([job], now);
      return () => {
        const first = model.add(job, now, answer!.id);
        expect(answer).toEqual({ id: first ?? answer!.id, isNew: first === undefined });
      };
    }
    case 'claim': {
      const name = `${run}-${one.agent}`;
      const terms = { owner: 'host', leaseUntil: now + 100, now };
      const [answer] = await store.claim([{ agent: name, version: 'v', limit: one.limit }], terms);
      return () => {
        const wanted = model.claim(name, one.limit, now);
        const taken = answer!.assignments.map(({ job, attempt }) => ({ job, attempt }));
        expect(taken).toEqual(wanted.taken);
        if (wanted.nextAt !== null && wanted.nextAt <= now) expect(answer!.nextAt).toBeLessThanOrEqual(now);
        else expect(answer!.nextAt).toBe(wanted.nextAt);
        for (const ref of taken) {
          const name = `${ref.job} ${ref.attempt}`;
          expect(held.has(name)).toBe(false);
          held.add(name);
          handed.push(ref);
        }
      };
    }
    case 'settle': {
      const ends = one.picks.map((at): Settlement => {
        const { state } = one;
        const failure = state === 'done' ? {} : { error: { code: 'E', message: 'e' }, cause: 'f-e' };
        const pause = state === 'retrying' ? { runAt: now + one.pause } : {};
        return { ...attemptAt(at), state, startedAt: now, finishedAt: now, ...failure, ...pause };
      });
      const kept = await store.settle(ends);
      return () => expect(kept).toEqual(ends.map((end) => model.settle(end)));
    }
    case 'release': {
      const ref = attemptAt(one.pick);
      await store.release([ref]);
      return () => {
        if (model.held(ref)) held.delete(`${ref.job} ${ref.attempt}`);
        model.release(ref);
      };
    }
    case 'renew': {
      const ref = attemptAt(one.pick);
      const lost = await store.renew([ref], now + 100);
      return () => expect(lost).toEqual(model.held(ref) ? [] : [ref]);
    }
    case 'cancel': {
      const id = jobAt(one.pick);
      const was = await store.cancel(id, { code: 'C', message: 'c' }, now);
      return () => expect(was?.state).toBe(model.cancel(id));
    }
    case 'redrive': {
      const id = jobAt(one.pick);
      const back = await store.redrive([id], now);
      return () => expect(back).toEqual(model.redrive(id, now) ? [id] : []);
    }
    default: {
      const id = jobAt(one.pick);
      const dropped = await store.drop([id], { code: 'D', message: 'd' }, now);
      return () => expect(dropped).toEqual(model.drop(id) ? [id] : []);
    }
  }
}

/** Mostly one of the last few, else any: so that ends meet attempts that are held, and late ones too. */
function recent<T>(list: readonly T[], at: number): T | undefined {
  const window = at % 3 === 0 ? list.length : Math.min(list.length, 4);
  return list[list.length - 1 - (at % Math.max(1, window))];
}

async function compare(model: JobModel, run: string): Promise<void> {
  const jobs = await Promise.all(model.jobs.map(({ id }) => store.get(id)));
  for (const [i, { state, attempt, attempts, runAt, staleAt }] of model.jobs.entries()) {
    expect(jobs[i]).toMatchObject({ state, attempt, attempts, runAt, staleAt });
  }
  const overview = (await store.overview()).filter(({ agent: name }) => name.startsWith(`${run}-`));
  const count = (name: string, state: string) =>
    model.jobs.filter((job) => job.agent === name && job.state === state).length;
  expect(overview.map(({ agent: name }) => name)).toEqual([...new Set(model.jobs.map((job) => job.agent))].sort());
  for (const { agent: name, queued, running, retrying, dead } of overview) {
    const wanted = ['queued', 'running', 'retrying', 'dead'].map((state) => count(name, state));
    expect([queued, running, retrying, dead]).toEqual(wanted);
  }
}
