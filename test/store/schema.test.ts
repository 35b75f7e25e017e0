import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { migrate, schemaOf } from '../../src/store/sqlite/inside/migrate.ts';
import { APPLICATION_ID, MIGRATIONS, SCHEMA } from '../../src/store/sqlite/inside/schema.ts';
import { openReadOnly } from '../../src/store/sqlite/read-only.ts';
import { cleaningUp, faultOf, folder, storeAt } from './folder.ts';
import { added, claimed, done, job, T0 } from './laws/world.ts';

cleaningUp();

/** A store as schema 1 left it, with one job that is done and one that waits. */
function storeOfSchema1(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec(
    `PRAGMA journal_mode = WAL; ${MIGRATIONS[0]!}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`,
  );
  const insert = db.prepare(`
    INSERT INTO job (agent, state, trigger, priority, attempt, attempts, allowed, queued_at, run_at, started_at, finished_at)
    VALUES ('a', ?, 'manual', 0, ?, 3, 3, ${T0}, ${T0}, ?, ?)`);
  insert.run('done', 1, T0, T0 + 1);
  insert.run('queued', 0, null, null);
  return db;
}

test('the steps of the schema that were published are never edited', () => {
  const prints = MIGRATIONS.map((step) => createHash('sha256').update(step).digest('hex').slice(0, 12));
  expect(prints).toEqual([
    'aa1668dc486d',
    '4e037e8f6786',
    '6f32942b4a58',
    'e117a32ab390',
    '7b0aaa0822f7',
    'cfab6d5fd420',
    'cae8672bd9b6',
    '691f1efe2992',
    '6f84e3c2c7b5',
    'ace00095f52a',
    'e3e2410428ee',
    '8a907d62327c',
    '693440f6b051',
    'e0c244699bd1',
    'f6f8e35066fb',
    'f6f4173c28c2',
    'ab2fadba73d3',
    '779413a00b6c',
    '2c407fa583b3',
    '52dd774e9581',
    '161b81e6bbab',
    'cdfe6df123a2',
    '90fce1378653',
    'b78597baadd2',
    'e59d02a73e2c',
  ]);
});

test('a store of schema 1 opens and goes on', async () => {
  const file = join(folder(), 'store.db');
  storeOfSchema1(file).close();
  const store = storeAt(file);
  await store.start();
  expect((await store.health()).schema).toBe(SCHEMA);
  expect((await store.list({ limit: 9 })).map(({ state }) => state)).toEqual(['queued', 'done']);
  const [taken] = await claimed(store);
  expect(await store.settle([done(taken!)])).toEqual([true]);
});

test('an older store is copied beside itself, then moved forward', () => {
  const file = join(folder(), 'store.db');
  const db = storeOfSchema1(file);
  migrate(db, file, [MIGRATIONS[0]!, `ALTER TABLE job ADD COLUMN mood TEXT DEFAULT 'fine'`]);
  expect(schemaOf(db, file, 2)).toBe(2);
  expect(db.prepare('SELECT mood, count(*) AS jobs FROM job').get()).toMatchObject({ mood: 'fine', jobs: 2 });
  db.close();
  const copy = new DatabaseSync(`${file}.schema-1.backup`, { readOnly: true });
  expect(schemaOf(copy, file)).toBe(1);
  expect(copy.prepare('SELECT count(*) AS jobs FROM job').get()).toMatchObject({ jobs: 2 });
  copy.close();
  expect(statSync(`${file}.schema-1.backup`).mode & 0o077).toBe(0);
  expect(readdirSync(dirname(file)).filter((name) => name.includes('unfinished'))).toEqual([]);
});

test('a step that fails leaves the store as it was', () => {
  const file = join(folder(), 'store.db');
  const db = storeOfSchema1(file);
  const steps = [MIGRATIONS[0]!, 'ALTER TABLE job ADD COLUMN mood TEXT; INSERT INTO nowhere VALUES (1)'];
  expect(() => migrate(db, file, steps)).toThrow('nowhere');
  expect(schemaOf(db, file)).toBe(1);
  expect(() => db.prepare('SELECT mood FROM job')).toThrow('mood');
  migrate(db, file, [MIGRATIONS[0]!, 'ALTER TABLE job ADD COLUMN mood TEXT']);
  expect(schemaOf(db, file, 2)).toBe(2);
  db.close();
});

test('a newer store is refused', async () => {
  const file = join(folder(), 'store.db');
  const db = storeOfSchema1(file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  const fault = await faultOf(storeAt(file).start());
  expect(fault).toMatchObject({ code: 'STORE_NEWER', file });
  expect(fault.message).toContain('99');
  expect(() => openReadOnly(file)).toThrow('99');
  expect(existsSync(`${file}.schema-99.backup`)).toBe(false);
});

test('a store is read beside a running host and after it, and never made by looking', async () => {
  const file = join(folder(), 'store.db');
  expect(() => openReadOnly(file)).toThrow('no store yet');
  expect(existsSync(file)).toBe(false);
  const store = storeAt(file);
  await store.start();
  for (const part of ['', '-wal', '-shm']) expect(statSync(file + part).mode & 0o077).toBe(0);
  const [id] = await added(store, [{}]);
  const beside = openReadOnly(file);
  expect(await beside.get(id!)).toMatchObject({ id, failures: [] });
  expect(await beside.overview()).toMatchObject([{ agent: 'a', queued: 1 }]);
  beside.close();
  await store.decide([{ agent: 'a', due: T0, state: 'ran', job: job() }]);
  const { since } = await store.pause('a', null);
  await store.append([{ at: T0, kind: 'x', agent: null, message: 'x' }]);
  await store.stop();
  const after = openReadOnly(file);
  expect(await after.list({ limit: 9 })).toHaveLength(2);
  expect(await after.slots({ from: 0, to: T0 + 1 })).toHaveLength(1);
  expect(await after.nextSlots()).toEqual([]);
  expect(await after.paused()).toEqual([{ agent: 'a', since, until: null }]);
  expect(await after.events({ limit: 1 })).toHaveLength(1);
  expect(await after.deadByCause()).toEqual([]);
  expect(await after.agentFigures(0, T0)).toEqual([]);
  after.close();
});
