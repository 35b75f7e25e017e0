import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { proveStore } from '../../src/store/open.ts';
import { makeStore, startWriter } from '../plugins/store-sample.ts';
import { cleaningUp, faultOf, folder, storeAt } from './folder.ts';
import { added } from './laws/world.ts';

cleaningUp();

async function started(jobs = 3) {
  const place = folder();
  const store = storeAt(join(place, 'store.db'));
  await store.start();
  if (jobs > 0) await added(store, Array(jobs).fill({}));
  return { place, store };
}

it('is a store of its own: private, alone, with all that was on disk', async () => {
  const { place, store } = await started(50);
  mkdirSync(join(place, 'copies'));
  const to = join(place, 'copies/one.db');
  const copy = await store.backUp(to);
  expect(copy).toEqual({ jobs: 50, bytes: statSync(to).size });
  expect(readdirSync(dirname(to))).toEqual(['one.db']);
  expect(statSync(to).mode & 0o777).toBe(0o600);
  expect(proveStore({ file: to })).toEqual(copy);
});

it('is of one moment, and ends, beside a process that writes', async () => {
  const place = folder();
  const file = join(place, 'store.db');
  makeStore(file, 10_000);
  const writer = await startWriter(file);
  const store = storeAt(file);
  await store.start();
  const to = join(place, 'copy.db');
  const { jobs } = await store.backUp(to);
  const total = 10_000 + (await writer.stop());
  const copy = new DatabaseSync(to, { readOnly: true });
  expect(copy.prepare('SELECT count(*) AS jobs, max(id) AS newest FROM job').get()).toEqual({ jobs, newest: jobs });
  copy.close();
  expect(jobs).toBeGreaterThanOrEqual(10_020);
  expect(jobs).toBeLessThan(total + 1);
});

it('overwrites nothing: no file, no link, no log of another store', async () => {
  const { place, store } = await started();
  const to = join(place, 'copy.db');
  for (const end of ['', '-wal', '-journal']) {
    const other = folder();
    writeFileSync(join(other, `copy.db${end}`), 'mine');
    const fault = await faultOf(store.backUp(join(other, 'copy.db')));
    expect(fault).toMatchObject({ code: 'STORE_COPY_EXISTS', file: join(other, `copy.db${end}`) });
    expect(readFileSync(join(other, `copy.db${end}`), 'utf8')).toBe('mine');
    expect(readdirSync(other)).toHaveLength(1);
  }
  symlinkSync(join(place, 'nowhere.db'), to);
  expect(await faultOf(store.backUp(to))).toMatchObject({ code: 'STORE_COPY_EXISTS', file: to });
  expect(existsSync(join(place, 'nowhere.db'))).toBe(false);
});

it('says where it could not be written, and what to do', async () => {
  const { place, store } = await started();
  const to = join(place, 'no/such/folder/copy.db');
  const fault = await faultOf(store.backUp(to));
  expect(fault).toMatchObject({ code: 'STORE_COPY_REFUSED', file: to, message: expect.stringContaining(to) });
  expect(fault.next).toContain('folder of the copy');
});

it('of a store that is damaged is refused and gone', async () => {
  const place = folder();
  const file = join(place, 'store.db');
  makeStore(file, 400);
  const bytes = readFileSync(file);
  bytes.fill(0x55, 4096 * 30, 4096 * 34);
  writeFileSync(file, bytes);
  const store = storeAt(file);
  await store.start();
  const to = join(place, 'copy.db');
  expect(await faultOf(store.backUp(to))).toMatchObject({ code: 'STORE_CORRUPT', file: to });
  expect(readdirSync(place).filter((name) => name.startsWith('copy'))).toEqual([]);
});

it('waits for the copy before it, and none is made of a store that is stopped', async () => {
  const { place, store } = await started();
  const copies = ['a', 'b', 'c'].map((name) => store.backUp(join(place, `${name}.db`)));
  expect(await Promise.all(copies)).toHaveLength(3);
  const last = store.backUp(join(place, 'late.db')).catch(({ plain }) => plain.code);
  await store.stop();
  expect(await last).toBe('STORE_STOPPED');
  expect(await faultOf(store.backUp(join(place, 'later.db')))).toMatchObject({ code: 'STORE_STOPPED' });
  expect(readdirSync(place).filter((name) => name.startsWith('late'))).toEqual([]);
});
