import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Settlement } from '../../src/jobs/ports.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createStoreChannel } from '../../src/store/sqlite/channel.ts';
import { packSettlements } from '../../src/store/sqlite/packing.ts';
import { openReadOnly } from '../../src/store/sqlite/read-only.ts';
import { jobsIn } from './crash.ts';
import { afterThisTest, cleaningUp, faultOf, folder, storeAt } from './folder.ts';
import { job, LEASE, T0 } from './laws/world.ts';

cleaningUp();

test('a call that is wrong by itself fails alone', async () => {
  const store = storeAt(join(folder(), 'store.db'));
  await store.start();
  const answers = await Promise.allSettled([
    store.add([job({ input: '1' })]),
    store.add([job({ input: '2' }), job({ attempts: 'many' as never })]),
    // No check sees inside of what an event carries; SQLite, or the thread, refuses it.
    store.append([{ at: T0, kind: 'k', agent: null, message: 'm', data: { big: 1n } }]),
    store.setState('a', 'k', (() => {}) as never),
    store.add([job({ input: '3' })]),
    store.setState('a', 'k', '1'),
    store.getState('a', 'k'),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'rejected',
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ]);
  const codes = answers.flatMap((answer) => (answer.status === 'rejected' ? answer.reason.code : []));
  expect(codes).toEqual(['VALUE_INVALID', 'STORE_REFUSED', 'VALUE_INVALID']);
  expect((await store.list({ limit: 9 })).map(({ input }) => input)).toEqual(['3', '1']);
});

/** What the store thread itself makes of calls that no check would let through. */
async function settledBelowTheChecks(file: string, calls: Settlement[][]) {
  const line = createStoreChannel({ file, role: 'writer' }, { time: machineTime }, () => {});
  await line.open();
  const answers = Promise.allSettled(calls.map((ends) => line.call('settle', packSettlements(ends, T0))));
  await line.close();
  return answers;
}

test('the totals of a call that was undone are not counted', async () => {
  const file = join(folder(), 'store.db');
  const store = storeAt(file);
  await store.start();
  await store.add([job(), job()]);
  const [answer] = await store.claim([{ agent: 'a', version: 'v', limit: 2 }], LEASE);
  const [one, two] = answer!.assignments.map(({ job, attempt }) => ({
    job,
    attempt,
    state: 'done' as const,
    startedAt: T0,
    finishedAt: T0,
  }));
  const [refused, right] = await settledBelowTheChecks(file, [[one!, { ...two!, finishedAt: 'now' as never }], [two!]]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'STORE_REFUSED' } });
  expect(right).toMatchObject({ value: [true] });
  expect(await store.hourFigures(0, T0 + 1)).toMatchObject([{ done: 1 }]);
  expect(await store.settle([one!])).toEqual([true]);
  expect(await store.hourFigures(0, T0 + 1)).toMatchObject([{ done: 2 }]);
});

test('a folder in place of the file and a file in place of the folder are told as not writable', async () => {
  const path = folder();
  mkdirSync(join(path, 'store.db'));
  writeFileSync(join(path, 'file'), '');
  for (const file of [join(path, 'store.db'), join(path, 'file', 'store.db')]) {
    const fault = await faultOf(storeAt(file).start());
    expect(fault).toMatchObject({ code: 'STORE_READONLY', file });
    expect(fault.next).toContain('folder');
  }
});

test('a file that is not a store is refused and stays as it is', async () => {
  const path = folder();
  const texts = ['notes of somebody, '.repeat(500), `SQLite format 3\0${'\xff'.repeat(9_000)}`];
  for (const [i, text] of texts.entries()) {
    const file = join(path, `store-${i}.db`);
    writeFileSync(file, text, 'latin1');
    const fault = await faultOf(storeAt(file).start());
    expect(fault).toMatchObject({ code: 'STORE_CORRUPT', file });
    expect(fault.next).toContain('backups/');
    expect(readFileSync(file, 'latin1')).toBe(text);
    expect(() => openReadOnly(file)).toThrow(
      expect.objectContaining({ plain: expect.objectContaining({ code: 'STORE_CORRUPT' }) }),
    );
  }
});

test('the database of another program is refused and stays as it is', async () => {
  const file = join(folder(), 'store.db');
  const db = new DatabaseSync(file);
  db.exec('CREATE TABLE customer (name TEXT); PRAGMA user_version = 1');
  db.close();
  const before = readFileSync(file);
  expect(await faultOf(storeAt(file).start())).toMatchObject({ code: 'STORE_CORRUPT', file });
  expect(readFileSync(file)).toEqual(before);
});

test('damage that is met later is told, and reads elsewhere go on', async () => {
  const file = join(folder(), 'store.db');
  const first = storeAt(file);
  await first.start();
  await first.setState('a', 'k', '1');
  await first.stop();
  const db = new DatabaseSync(file);
  const { rootpage } = db.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'job'`).get() as {
    rootpage: number;
  };
  db.close();
  const bytes = readFileSync(file);
  bytes.fill(0xee, (rootpage - 1) * 4_096, rootpage * 4_096);
  writeFileSync(file, bytes);
  const store = storeAt(file);
  await store.start();
  expect(await faultOf(store.add([job()]))).toMatchObject({ code: 'STORE_CORRUPT', file });
  expect(await store.getState('a', 'k')).toBe('1');
  expect((await store.health({ thorough: true })).detail).not.toBeNull();
});

test('another process that holds the store for long is told, and nothing is kept of what was refused', async () => {
  const file = join(folder(), 'store.db');
  const store = storeAt(file);
  await store.start();
  const other = new DatabaseSync(file);
  afterThisTest(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  expect(await faultOf(store.add([job()]))).toMatchObject({ code: 'STORE_BUSY', file });
  other.exec('ROLLBACK');
  expect(await store.add([job()])).toHaveLength(1);
  expect(await store.list({ limit: 9 })).toHaveLength(1);
});

test('a disk that refuses to write is told, and the store works again by itself when it writes', () => {
  const file = join(folder(), 'store.db');
  const child = fileURLToPath(new URL('./refused-child.ts', import.meta.url));
  const [refused, kept] = JSON.parse(execFileSync(process.execPath, [child, file], { encoding: 'utf8' }));
  expect(refused).toMatchObject({ code: 'STORE_IO', file });
  expect(kept).toBe(2);
  expect(jobsIn(file).size).toBe(2);
});

test('a full disk refuses everything, keeps what it has, and works again by itself when there is space', async (context) => {
  const path = smallDisk(2_000_000) ?? context.skip('mounting a small disk is not permitted here');
  const file = join(path as string, 'data', 'store.db');
  const store = storeAt(file);
  await store.start();
  const acknowledged: string[] = [];
  const input = 'x'.repeat(10_000);
  const fault = await faultOf(
    (async () => {
      for (;;) acknowledged.push((await store.add([job({ input })]))[0]!.id);
    })(),
  );
  expect(fault).toMatchObject({ code: 'STORE_FULL', file });
  expect(fault.next).toContain('free some space');
  expect(acknowledged.length).toBeGreaterThan(20);
  expect((await store.list({ limit: 1_000 })).map(({ id }) => id).reverse()).toEqual(acknowledged);
  execFileSync('mount', ['-o', 'remount,size=8000000', path as string]);
  acknowledged.push((await store.add([job({ input })]))[0]!.id);
  expect((await store.list({ limit: 1_000 })).map(({ id }) => id).reverse()).toEqual(acknowledged);
  expect((await store.health({ thorough: true })).detail).toBeNull();
});

test('what only asks is answered on a full disk, also when it travels with what is refused', async (context) => {
  const path = smallDisk(2_000_000) ?? context.skip('mounting a small disk is not permitted here');
  const store = storeAt(join(path as string, 'store.db'));
  await store.start();
  await store.setState('a', 'k', '1');
  const tooBig = job({ input: 'x'.repeat(4_000_000) });
  const [refused, asked, wrong, after] = await Promise.allSettled([
    store.add([tooBig]),
    store.getState('a', 'k'),
    store.getState('a', (() => {}) as never),
    store.get('job-1'),
  ]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { plain: { code: 'STORE_FULL' } } });
  expect(asked).toEqual({ status: 'fulfilled', value: '1' });
  expect(wrong.status).toBe('rejected');
  expect(after).toEqual({ status: 'fulfilled', value: undefined });
  expect(await store.add([job()])).toHaveLength(1);
});

test('a disk that is full at the start is told as that', async (context) => {
  const path = smallDisk(600_000) ?? context.skip('mounting a small disk is not permitted here');
  const filler = join(path as string, 'filler');
  const { bavail, bsize } = statfsSync(path as string);
  writeFileSync(filler, Buffer.alloc(Number(bavail) * Number(bsize)));
  const store = storeAt(join(path as string, 'store.db'));
  expect(await faultOf(store.start())).toMatchObject({ code: 'STORE_FULL' });
  rmSync(filler);
  await store.start();
  expect(await store.add([job()])).toHaveLength(1);
});

/** A memory disk of so many bytes, undefined where mounting is not permitted. */
function smallDisk(bytes: number): string | undefined {
  const path = join(folder(), 'disk');
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  afterThisTest(() => void execFileSync('umount', ['-l', path]));
  return path;
}
