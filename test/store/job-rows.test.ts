import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { debouncedBy } from '../../src/kernel/debounce.ts';
import { cleaningUp, folder, storeAt } from './folder.ts';
import { job } from './laws/world.ts';

cleaningUp();

test('of a job that is cleared up no note is left', async () => {
  const file = join(folder(), 'store.db');
  const store = storeAt(file);
  await store.start();
  const waits = { ...job({ input: '{"shop":"north"}' }), ...debouncedBy({ periodMs: 0, timeoutMs: 0 }, null) };
  const [first] = await store.add([{ ...waits, key: 'k1' }]);
  await store.add([{ ...waits, key: 'k2' }]);
  await store.add([job(), job()]);
  const owner = { owner: { host: 'host', run: 'run 1' }, leaseMs: 60_000 };
  const claim = { agent: 'a', version: 'v1', limit: 9, keyLimit: { concurrency: 1 } };
  const [taken] = (await store.claim([claim], owner))[0]!.assignments;
  await store.beginEffect(taken!, 'effect');
  const end = { ...taken!, startedAt: 1, finishedAt: 2, error: { code: 'ERROR', message: 'it broke' } };
  await store.settle([{ ...end, state: 'retrying', inMs: 60_000 }]);
  for (const { id } of await store.list({ limit: 9 }))
    await store.cancel(id, { code: 'CANCELLED', message: 'by hand' });
  await store.add([job({ agent: 'other' })]);
  const tables = ['effect', 'further_key', 'limited_job', 'job'];
  const db = new DatabaseSync(file, { readOnly: true });
  const rows = () => tables.map((table) => db.prepare(`SELECT count(*) AS count FROM ${table}`).get()!.count);
  expect(first!.isNew).toBe(true);
  expect(rows()).toEqual([1, 1, 2, 4]);
  const later = Date.now() + 2 * 3_600_000;
  await store.prune({ jobs: later, slots: later, events: later }, 100);
  expect(rows()).toEqual([0, 0, 0, 1]);
  db.close();
  await store.stop();
});
