import { expect, test } from 'vitest';
import type { KeyLimit } from '../../../src/kernel/key-limit.ts';
import { added, done, freshStore, HOST, LEASE, MINUTE, type OpenStore, T0 } from './world.ts';

const shop = (name: string, n = 0) => ({ input: JSON.stringify({ shop: name, n }) });

/** Laws of limits by a value in the input. */
export function keyLimitLaws(open: OpenStore): void {
  const { store, at } = freshStore(open);

  async function claim(keyLimit: KeyLimit | undefined, limit = 100, now = T0) {
    const request = { agent: 'a', version: 'v1', limit, ...(keyLimit ? { keyLimit } : {}) };
    const [answer] = await at(now).claim([request], LEASE);
    return answer!;
  }
  const TWO: KeyLimit = { key: 'shop', concurrency: 2 };

  test('so many jobs of a key run at a time, and those beyond hold up no other key', async () => {
    const north = await added(
      store(),
      Array.from({ length: 150 }, (_, n) => shop('north', n)),
    );
    const south = await added(store(), [shop('south'), shop('south'), shop('south')]);
    const none = await added(store(), [{ input: null }, { input: '{}' }, { input: null }]);
    const first = await claim(TWO);
    expect(first.assignments.map(({ job }) => job)).toEqual([
      ...north.slice(0, 2),
      ...south.slice(0, 2),
      ...none.slice(0, 2),
    ]);
    // No time is known at which another may begin: the end of one tells.
    expect(first.nextInMs).toBeNull();
    expect((await claim(TWO)).assignments).toEqual([]);
    await at(T0 + 1).settle([done(first.assignments[0]!), done(first.assignments[2]!)]);
    const next = await claim(TWO, 100, T0 + 1);
    expect(next.assignments.map(({ job }) => job)).toEqual([north[2], south[2]]);
  });

  test('the others are shown as due all the while, come in their order, and are asked for when a host starts', async () => {
    const ids = await added(store(), [shop('north', 1), shop('north', 2), { ...shop('north', 3), priority: 5 }]);
    const one = { ...TWO, concurrency: 1 };
    const { assignments } = await claim(one);
    expect(assignments.map(({ job }) => job)).toEqual([ids[2]]);
    expect(await store().get(ids[1]!)).toMatchObject({ state: 'queued', runAt: T0 });
    // Another job that is due later does not hide them.
    await added(store(), [{ ...shop('south'), inMs: MINUTE }]);
    expect(await at(T0).waiting()).toMatchObject([{ agent: 'a', inMs: 0 }]);
    await at(T0).settle([done(assignments[0]!)]);
    expect((await claim(one)).assignments.map(({ job }) => job)).toEqual([ids[0]]);
  });

  test('a claim of none, while all workers are at work, sees what no other worker could begin either', async () => {
    await added(
      store(),
      Array.from({ length: 150 }, (_, n) => shop('north', n)),
    );
    const { assignments } = await claim(TWO, 2);
    // Nobody claims while the workers are at work: the next look takes the queue for work that waits for a worker.
    expect(await claim(TWO, 0, T0 + MINUTE)).toMatchObject({ assignments: [], nextInMs: null });
    await added(store(), [shop('south')]);
    expect(await claim(TWO, 0, T0 + 2 * MINUTE)).toMatchObject({ assignments: [], nextInMs: -2 * MINUTE });
    await at(T0 + 2 * MINUTE).settle([done(assignments[0]!)]);
    expect((await claim(TWO, 100, T0 + 2 * MINUTE)).assignments).toHaveLength(2);
    const rate: KeyLimit = { key: 'shop', rate: { starts: 1, perMs: MINUTE } };
    await claim(rate, 0, T0 + 3 * MINUTE);
    // Nothing has begun by it.
    expect((await claim(rate, 1, T0 + 3 * MINUTE)).assignments).toHaveLength(1);
  });

  test('so many jobs of a key begin within a length of time, and the claim says when the next one may', async () => {
    const ids = await added(
      store(),
      [1, 2, 3, 4, 5].map((n) => shop('north', n)),
    );
    const rate: KeyLimit = { key: 'shop', rate: { starts: 2, perMs: MINUTE } };
    const first = await claim(rate, 1, T0);
    await at(T0).settle([done(first.assignments[0]!)]);
    const second = await claim(rate, 100, T0 + 10_000);
    expect(second).toMatchObject({ assignments: [{ job: ids[1] }], nextInMs: 50_000 });
    expect((await claim(rate, 100, T0 + 59_999)).assignments).toEqual([]);
    const third = await claim(rate, 100, T0 + MINUTE);
    expect(third).toMatchObject({ assignments: [{ job: ids[2] }], nextInMs: 10_000 });
    // An attempt that never began is none.
    await at(T0 + MINUTE).release(third.assignments);
    expect((await claim(rate, 100, T0 + MINUTE)).assignments).toMatchObject([{ job: ids[2], attempt: 1 }]);
  });

  test('a limit that is taken away, changed or reached by a cancelled job leaves no job behind', async () => {
    const ids = await added(
      store(),
      [1, 2, 3, 4].map((n) => shop('north', n)),
    );
    const one = { ...TWO, concurrency: 1 };
    const [first] = (await claim(one)).assignments;
    await at(T0).cancel(ids[1]!, { code: 'CANCELLED', message: 'by hand' });
    expect((await claim({ ...one, key: 'n' }, 1)).assignments.map(({ job }) => job)).toEqual([ids[2]]);
    expect((await claim(undefined)).assignments.map(({ job }) => job)).toEqual([ids[3]]);
    expect(await at(T0).redrive([ids[1]!])).toEqual([ids[1]]);
    expect((await claim(one)).assignments).toEqual([]);
    await at(T0).settle([first!, { job: ids[2]!, attempt: 1 }, { job: ids[3]!, attempt: 1 }].map((ref) => done(ref)));
    expect((await claim(one)).assignments.map(({ job }) => job)).toEqual([ids[1]]);
  });

  test('a job whose host was lost has its place no more', async () => {
    const ids = await added(store(), [shop('north', 1), shop('north', 2)]);
    const one = { ...TWO, concurrency: 1 };
    const [taken] = (await claim(one)).assignments;
    const later = T0 + LEASE.leaseMs;
    expect(await at(later).abandoned(HOST)).toMatchObject([{ id: ids[0] }]);
    await at(later).settle([{ ...done(taken!), state: 'retrying', inMs: MINUTE }]);
    expect((await claim(one, 100, later)).assignments.map(({ job }) => job)).toEqual([ids[1]]);
  });

  test('a limit that is taken away frees the jobs behind a thousand that were cancelled meanwhile', async () => {
    const ids = await added(
      store(),
      Array.from({ length: 1_200 }, (_, n) => shop('north', n)),
    );
    const [taken] = (await claim({ ...TWO, concurrency: 1 }, 2_000)).assignments;
    await at(T0).cancelMany(ids.slice(1, -1), { code: 'CANCELLED', message: 'by hand' });
    await at(T0).settle([done(taken!)]);
    expect((await claim(undefined)).assignments.map(({ job }) => job)).toEqual(ids.slice(-1));
  });

  test('why a job waits can be asked: how its key is used, whoever runs, and whether it is debounced', async () => {
    const ids = await added(store(), [shop('north', 1), shop('north', 2), shop('south')]);
    const rate: KeyLimit = { key: 'shop', rate: { starts: 1, perMs: MINUTE } };
    await claim({ ...TWO, ...rate, concurrency: 1 }, 1);
    const [debounced] = await added(store(), [{ ...shop('east'), debounce: { key: 'x', timeoutMs: MINUTE } }]);
    const asked = [...ids, debounced!, 'job-999999'].map((job) => ({ job, limit: { ...TWO, ...rate } }));
    expect(await store().waitFacts(asked)).toEqual([
      { job: ids[0], isDebounced: false, use: { running: 1, starts: [T0] } },
      { job: ids[1], isDebounced: false, use: { running: 1, starts: [T0] } },
      { job: ids[2], isDebounced: false, use: { running: 0, starts: [] } },
      { job: debounced, isDebounced: true, use: { running: 0, starts: [] } },
    ]);
    expect(await store().waitFacts([{ job: ids[0]! }])).toEqual([{ job: ids[0], isDebounced: false, use: null }]);
  });
}
