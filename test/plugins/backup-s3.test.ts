import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import backupS3 from '../../plugins/backup-s3.ts';
import { withPlainArchive } from '../../src/host/backup/decrypt.ts';
import { runPlugin, tempFolder, type World } from './context.ts';
import { startS3Stub } from './s3-stub.ts';

const secrets = { S3_ACCESS_KEY_ID: 'id', S3_SECRET_ACCESS_KEY: 'secret', BACKUP_PASSPHRASE: 'correct horse battery' };
const nameOf = (day: string) => `daruma-202611${day}T020000Z.tar.zst`;
const proven = { jobs: 7, entries: 9, bytes: 100, storeHash: 'h', agents: ['shop'] };

/** An installation with archives, and a bucket that it has brought none to. */
async function world(days: string[], bytes = 1_000, bytesOfLast = bytes) {
  const folder = tempFolder();
  mkdirSync(join(folder, 'backups'));
  for (const day of days)
    writeFileSync(join(folder, 'backups', nameOf(day)), randomBytes(day === days.at(-1) ? bytesOfLast : bytes));
  const stub = await startS3Stub('backups');
  const run = (settings: object = {}, more: World = {}) =>
    runPlugin(backupS3, {
      ...{ folder, secrets },
      settings: { endpoint: stub.endpoint, prefix: 'ops/', encrypt: false, ...settings },
      ...more,
    });
  return { folder, stub, run, local: (day: string) => readFileSync(join(folder, 'backups', nameOf(day))) };
}

describe('copies of backups in a bucket', () => {
  it('are brought there once, whole, also in parts, and nothing is left beside', async () => {
    const { stub, run, local, folder } = await world(['21', '22'], 1_000, 9 * 1024 ** 2);
    stub.uploads.set('u-of-a-killed-attempt', { key: `ops/${nameOf('22')}`, parts: new Map() });
    stub.objects.set('elsewhere/daruma-20261101T020000Z.tar.zst', Buffer.from('of another installation'));
    expect((await run()).result).toEqual({ copied: [nameOf('21'), nameOf('22')], gone: [] });
    for (const day of ['21', '22']) expect(stub.objects.get(`ops/${nameOf(day)}`)!.equals(local(day))).toBe(true);
    expect((await run()).result).toEqual({ copied: [], gone: [] });
    expect(stub.uploads.size).toBe(0);
    expect(stub.objects.size).toBe(3);
    expect(readdirSync(join(folder, 'backups')).sort()).toEqual([nameOf('21'), nameOf('22')]);
  });

  it('that were cut off are brought anew by the next attempt', async () => {
    const { stub, run, local } = await world(['22'], 9 * 1024 ** 2);
    let parts = 0;
    stub.before = (method) => (method === 'PUT' && ++parts === 2 ? 403 : undefined);
    await expect(run()).rejects.toThrow('403');
    expect([...stub.objects]).toEqual([]);
    expect(stub.uploads.size).toBe(0);
    expect((await run()).result.copied).toEqual([nameOf('22')]);
    expect(stub.objects.get(`ops/${nameOf('22')}`)!.equals(local('22'))).toBe(true);
  });

  it('that the bucket has lost a part of are a failure', async () => {
    const { stub, run } = await world(['22']);
    stub.before = (method, key) => {
      if (method === 'GET' && key === '') for (const [name] of stub.objects) stub.objects.set(name, Buffer.from('x'));
      return undefined;
    };
    await expect(run()).rejects.toThrow(/has 1 bytes in the bucket, 1000 were sent/);
  });

  it('go by days, weeks and months, and by the budget', async () => {
    const { stub, run } = await world(['20', '21', '22']);
    stub.objects.set('ops/notes.txt', Buffer.from('mine'));
    const { result } = await run({ keep: 2 });
    expect(result.gone).toEqual([nameOf('20')]);
    expect([...stub.objects.keys()].sort()).toEqual([`ops/${nameOf('21')}`, `ops/${nameOf('22')}`, 'ops/notes.txt']);
  });

  it('are read by nobody without the passphrase, and by age with it', async () => {
    const { stub, run, local, folder } = await world(['22']);
    await run({ encrypt: true });
    const [key] = [...stub.objects.keys()];
    expect(key).toBe(`ops/${nameOf('22')}.age`);
    const stored = stub.objects.get(key!)!;
    expect(stored.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
    expect(stored.includes(local('22').subarray(0, 16))).toBe(false);
    const sealed = join(folder, 'sealed');
    writeFileSync(sealed, stored);
    const value = secrets.BACKUP_PASSPHRASE;
    const opened = await withPlainArchive(
      { file: sealed, into: folder, passphrase: () => ({ is: 'found', value, where: 'the test' }) },
      async (file) => readFileSync(file),
    );
    expect(opened.equals(local('22'))).toBe(true);
  });

  it('that are encrypted already go as they are, and are there once', async () => {
    const { stub, run, folder } = await world([]);
    const name = `${nameOf('22')}.age`;
    writeFileSync(join(folder, 'backups', name), 'age-encryption.org/v1 and more');
    expect((await run({ encrypt: true })).result.copied).toEqual([name]);
    expect(stub.objects.get(`ops/${name}`)!.toString()).toBe('age-encryption.org/v1 and more');
    expect((await run({ encrypt: true })).result.copied).toEqual([]);
  });

  it('are not brought anywhere without keys, a passphrase or a bucket', async () => {
    const { run, stub } = await world(['22']);
    await expect(run({}, { secrets: {} })).rejects.toThrow('S3_ACCESS_KEY_ID');
    const { BACKUP_PASSPHRASE: _, ...keys } = secrets;
    await expect(run({ encrypt: true }, { secrets: keys })).rejects.toThrow(
      'wants the secret BACKUP_PASSPHRASE in needs.secrets',
    );
    await expect(run({ encrypt: true }, { secrets: { ...keys, BACKUP_PASSPHRASE: 'too short' } })).rejects.toThrow(
      'less than 16 letters',
    );
    await expect(run({ bucket: 'none' })).rejects.toThrow(`there is no bucket none at ${stub.endpoint}`);
  });
});

describe('a drill', () => {
  it('fetches the newest copy and has it decrypted and restored', async () => {
    const { run, folder } = await world(['21', '22']);
    await run({ encrypt: true });
    const proved: Buffer[] = [];
    const prove = async (file: string) => {
      expect(file).toBe(join(folder, 'backups/.drill-tested', `${nameOf('22')}.age`));
      proved.push(readFileSync(file));
      return proven;
    };
    const { result, summary } = await run({ encrypt: true, does: 'drill' }, { prove });
    expect(proved[0]!.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
    expect(result).toMatchObject({ restored: `${nameOf('22')}.age`, jobs: 7, agents: ['shop'] });
    expect(summary).toMatch(/was fetched from .+ and restored in .+: 7 jobs, 1 agent would start\.$/);
    expect(readdirSync(join(folder, 'backups')).sort()).toEqual([nameOf('21'), nameOf('22')]);
  });

  it('is done by the agent that copies when the weekly drill asks', async () => {
    const { run } = await world(['22']);
    await run();
    const prove = async () => proven;
    expect((await run({}, { prove, input: { drill: true } })).result).toMatchObject({ restored: nameOf('22') });
    expect((await run({}, { prove })).result).toEqual({ copied: [], gone: [] });
  });

  it('fails where the bucket has no backup, and where the copy cannot be restored', async () => {
    const { run } = await world(['22']);
    await expect(run({ does: 'drill' })).rejects.toThrow('there is no backup in the bucket');
    await run();
    const prove = async () => Promise.reject(new Error('the store is damaged'));
    await expect(run({ does: 'drill' }, { prove })).rejects.toThrow('the store is damaged');
  });
});
