import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { afterThisTest, cleaningUp, folder } from './folder.ts';
import { job, T0 } from './laws/world.ts';

cleaningUp();

/** A started store whose clock stands still, so that all calls of a turn are of one time, and its file. */
async function opened() {
  const file = join(folder(), 'store.db');
  const store = createSqliteStore({ time: { ...machineTime, now: () => T0 }, log: silentLog }, { file });
  afterThisTest(() => store.stop());
  await store.start();
  const db = new DatabaseSync(file);
  afterThisTest(() => db.close());
  return { store, db };
}

test('callers of one turn each get the ids of their own jobs, in the order of the calls', async () => {
  const { store, db } = await opened();
  const sizes = [1, 3, 0, 20, 1, 40, 2];
  const added = await Promise.all(
    sizes.map((size, caller) =>
      store.add(Array.from({ length: size }, (_, at) => job({ agent: `a${caller}`, input: `${at}` }))),
    ),
  );
  expect(added.map((own) => own.length)).toEqual(sizes);
  for (const [caller, own] of added.entries())
    for (const [at, { id, isNew }] of own.entries()) {
      expect(isNew).toBe(true);
      expect(await store.get(id)).toMatchObject({ agent: `a${caller}`, input: `${at}`, queuedAt: T0, attempt: 0 });
    }
  const ids = db.prepare('SELECT id FROM job ORDER BY id').all();
  expect(ids).toHaveLength(sizes.reduce((sum, size) => sum + size));
});

test('a key that another caller of the turn used first is that job, between jobs without a key', async () => {
  const { store } = await opened();
  const many = () => Array.from({ length: 20 }, () => job());
  const [, first, , second, last] = await Promise.all([
    store.add(many()),
    store.add([job({ key: 'k', input: '1' })]),
    store.add(many()),
    store.add([...many(), job({ key: 'k', input: '2' }), ...many()]),
    store.add([job({ key: 'other' })]),
  ]);
  expect(first).toMatchObject([{ isNew: true }]);
  const [known, ...others] = second!.filter(({ isNew }) => !isNew);
  expect(known).toEqual({
    id: first![0]!.id,
    isNew: false,
    first: { state: 'queued', queuedAt: T0, sameInput: false },
  });
  expect(second!.indexOf(known!)).toBe(20);
  expect(others).toEqual([]);
  expect(last).toMatchObject([{ isNew: true }]);
  expect(new Set([first, second, last].flat().map(({ id }) => id)).size).toBe(42);
});

test('jobs that the store refuses leave those of the other callers of the turn', async () => {
  const { store, db } = await opened();
  db.exec(`CREATE TRIGGER refused BEFORE INSERT ON job WHEN NEW.agent = 'wrong' BEGIN SELECT RAISE(ABORT, 'no'); END`);
  const many = Array.from({ length: 30 }, () => job({ agent: 'right' }));
  const [before, wrong, after] = await Promise.allSettled([
    store.add(many),
    store.add([job({ agent: 'right' }), job({ agent: 'wrong' })]),
    store.add(many),
  ]);
  expect(wrong).toMatchObject({ status: 'rejected', reason: { code: 'STORE_REFUSED' } });
  const right = [before, after].flatMap((one) => (one!.status === 'fulfilled' ? one!.value : []));
  expect(new Set(right.map(({ id }) => id)).size).toBe(60);
  expect(db.prepare('SELECT agent, count(*) AS count FROM job GROUP BY agent').all()).toEqual([
    { agent: 'right', count: 60 },
  ]);
});
