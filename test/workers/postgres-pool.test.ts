import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Fault } from '../../src/kernel/fault.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/kernel/measures.ts';
import type { PoolClient, PoolOptions } from '../../src/plugin/pg.ts';
import type { JobOwner } from '../../src/workers/inside/job-owner.ts';
import { createPgPool } from '../../src/workers/inside/postgres/pool.ts';
import type { PoolHost } from '../../src/workers/inside/postgres/ports.ts';
import type { Session } from '../../src/workers/inside/postgres/session.ts';
import { readPoolTerms } from '../../src/workers/inside/postgres/terms.ts';
import { Clock, quiet } from '../clock.ts';

/** A pool in a world of its own: a clock that is moved, and a server that counts. */
function poolWorld(options: PoolOptions = {}) {
  const clock = new Clock();
  let seed = 1;
  clock.random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const terms = readPoolTerms('postgres://me@db/shop', options);
  const world = {
    clock,
    terms,
    /** Connections that the server has, and the most that it ever had. */
    open: 0,
    most: 0,
    opened: 0,
    /** Ages of sessions when they were given to a job, in ms. */
    ages: [] as number[],
    sessions: new Set<{ lose(): void }>(),
    reports: [] as { is: string; job: string; code: string }[],
    job: undefined as JobOwner | undefined,
    /** What `connect` throws instead. */
    refuses: undefined as Error | undefined,
  };
  const host: PoolHost = {
    agent: 'shop',
    timeoutMs: HOUR_MS,
    time: clock,
    clock: clock.monotonic,
    job: () => world.job,
    fault: (plain, cause) => new Fault(plain, { cause }),
    report: (is, job, error) => world.reports.push({ is, job, code: (error as Fault).code }),
    progress: () => {},
    used: () => {},
    ask: async () => undefined,
  };

  async function connect(): Promise<Session> {
    world.open += 1;
    world.most = Math.max(world.most, world.open);
    await new Promise(setImmediate);
    if (world.refuses) {
      world.open -= 1;
      throw world.refuses;
    }
    world.opened += 1;
    return session();
  }

  function session(): Session {
    const bornAt = clock.monotonic();
    const expiresAt = bornAt + terms.lifetimeMs * (0.9 + 0.2 * clock.random());
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    let is: 'open' | 'leaving' | 'ended' = 'open';
    const end = () => {
      if (is === 'ended') return;
      is = 'ended';
      world.open -= 1;
      world.sessions.delete(known);
      resolve();
    };
    const known = { lose: end };
    world.sessions.add(known);
    return {
      client: { removeAllListeners() {}, query: async () => ({ rows: [] }) } as unknown as Session['client'],
      expiresAt,
      ended,
      flaw: () => (is !== 'open' ? 'lost' : clock.monotonic() >= expiresAt ? 'old' : undefined),
      track: (query) => query,
      async prepare() {
        if (is !== 'open') throw new Error('Connection terminated');
        world.ages.push(clock.monotonic() - bornAt);
      },
      cancel() {},
      async leave() {
        if (is === 'open') is = 'leaving';
        setImmediate(end);
        await ended;
      },
      part: end,
    };
  }

  const begin = (id: string): JobOwner => ({ seq: 0, place: 0, id, startedAt: clock.monotonic(), hasEnded: false });
  /** As the worker does at the end of an attempt. */
  const end = (job: JobOwner) => {
    job.hasEnded = true;
    for (const resource of job.resources ?? []) resource.ended();
  };
  const pool = createPgPool(terms, host, () => {}, connect);
  return Object.assign(world, { pool, begin, end });
}

it('closes a connection when it is old and free, each at another age: 24 hours, a job a minute', async () => {
  const world = poolWorld({ idleTimeout: '2m' });
  for (let minute = 0; minute < 24 * 60; minute++) {
    world.job = world.begin(`j${minute}`);
    (await world.pool.connect()).release();
    world.end(world.job);
    world.clock.wall += MINUTE_MS;
  }
  expect(Math.max(...world.ages)).toBeLessThan(33 * MINUTE_MS);
  // One after the other, of 27 to 33 minutes.
  expect(world.opened).toBeGreaterThanOrEqual(24 * 2 - 4);
  expect(world.opened).toBeLessThanOrEqual(24 * 2 + 8);
  expect(world.most).toBe(1);
  await world.clock.pass(2 * MINUTE_MS);
  expect([world.open, world.clock.timers()]).toEqual([0, 0]);
});

it('gives a job that waits the error of its abort, and its place to the next', async () => {
  const world = poolWorld({ max: 1 });
  const [first, second, third] = ['one', 'two', 'three'].map(world.begin);
  world.job = first;
  const client = await world.pool.connect();
  world.job = second;
  const waits = world.pool.connect();
  world.job = third;
  const next = world.pool.connect();
  const why = new Error('the job did not end in time');
  second!.aborted = why;
  for (const resource of second!.resources!) resource.aborted(why);
  await expect(waits).rejects.toBe(why);
  client.release();
  (await next).release();
  expect([world.pool.totalCount, world.pool.idleCount, world.pool.waitingCount]).toEqual([1, 1, 0]);
});

it('is no smaller after connections that could not be opened', async () => {
  const world = poolWorld({ max: 1 });
  world.job = world.begin('one');
  world.refuses = new Error('no');
  for (let n = 0; n < 5; n++) await expect(world.pool.query('SELECT 1')).rejects.toThrow('no');
  world.refuses = undefined;
  await world.pool.query('SELECT 1');
});

it('a query outside of a job, or after its end, gets none', async () => {
  const world = poolWorld();
  await expect(world.pool.query('SELECT 1')).rejects.toMatchObject({ code: 'PG_NO_JOB' });
  world.job = world.begin('one');
  world.end(world.job);
  await expect(world.pool.query('SELECT 1')).rejects.toMatchObject({ code: 'ATTEMPT_ENDED' });
  expect(world.opened).toBe(0);
});

/** What may happen, by numbers: the second names a job or a connection. */
const STEPS = ['begin', 'connect', 'query', 'release', 'end', 'abort', 'lose', 'refuse', 'allow', 'pass'] as const;

it('law: never more connections than max, no place lost, no call without an end, nothing held by a job that has ended', async () => {
  const step = fc.tuple(fc.constantFrom(...STEPS), fc.nat({ max: 20 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, max) => {
        const world = poolWorld({ max, checkoutTimeout: '10s' });
        const jobs: JobOwner[] = [];
        const clients: PoolClient[] = [];
        let unsettled = 0;
        const settled = () => {
          unsettled -= 1;
        };
        const follow = (call: Promise<unknown>) => {
          unsettled += 1;
          call.then(settled, settled);
        };
        const acts: Record<(typeof STEPS)[number], (n: number) => unknown> = {
          begin: () => jobs.push(world.begin(`j${jobs.length}`)),
          connect: () => follow(world.pool.connect().then((client) => clients.push(client))),
          query: () => follow(world.pool.query('SELECT 1')),
          release: (n) => clients.splice(n % (clients.length || 1), 1)[0]?.release(),
          end: (n) => jobs.length > 0 && world.end(jobs[n % jobs.length]!),
          abort(n) {
            const job = jobs[n % (jobs.length || 1)];
            if (!job || job.hasEnded) return;
            job.aborted = new Error('enough');
            for (const resource of job.resources ?? []) resource.aborted(job.aborted);
          },
          lose: (n) => [...world.sessions][n % (world.sessions.size || 1)]?.lose(),
          refuse() {
            world.refuses = new Error('refused');
          },
          allow() {
            world.refuses = undefined;
          },
          pass: (n) => world.clock.pass(n * 1_000),
        };
        for (const [what, n] of steps) {
          world.job = jobs.length === 0 ? undefined : jobs[n % jobs.length];
          await acts[what](n);
          if (n % 3 === 0) await quiet();
          expect(world.open).toBeLessThanOrEqual(max);
        }
        for (const job of jobs) world.end(job);
        await world.clock.pass(20_000);
        const { held, idle, waiting } = world.pool.use();
        expect({ held, waiting, unsettled }).toEqual({ held: 0, waiting: 0, unsettled: 0 });
        expect(idle).toBe(world.open);
        await world.pool.end();
        expect([world.open, world.clock.timers()]).toEqual([0, 0]);
      },
    ),
    { numRuns: 150 },
  );
});
