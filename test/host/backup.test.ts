import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { encryptFile } from '../../plugins/lib/encrypted.ts';
import { entriesOf, staysInside } from '../../src/host/backup/archive.ts';
import { openBackups } from '../../src/host/backup/index.ts';
import { createProofs, type Proofs } from '../../src/host/backup/prove.ts';
import { refuseHalfRestored, settleRestored } from '../../src/host/backup/restored.ts';
import { lockFolder } from '../../src/host/lifecycle/lock.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function tempFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-restore-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function write(folder: string, name: string, content: string) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
}
const read = (...path: string[]) => readFileSync(join(...path), 'utf8');

/** A store that a host made, with so many jobs; the newest of them runs. */
async function makeStore(file: string, jobs: number): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const store = createSqliteStore({ time: machineTime, log: quiet, onFailure() {} }, { file });
  await store.start();
  for (let at = 0; at < jobs; at++) await store.add([{ agent: 'backup', trigger: 'manual', input: null, attempts: 3 }]);
  await store.claim([{ agent: 'backup', version: '1234', limit: 1 }], {
    owner: { host: 'local', run: 'gone' },
    leaseMs: 1,
  });
  await store.stop();
}

const jobsIn = (file: string) => {
  const db = new DatabaseSync(file, { readOnly: true });
  const count = Object.values(db.prepare('SELECT count(*) FROM job').get()!)[0];
  db.close();
  return count;
};

/** Packs a folder with the tar of the system, as anybody might. */
function pack(folder: string, ...options: string[]): string {
  const file = join(tempFolder(), 'daruma-20261122T020000Z.tar.gz');
  execFileSync('tar', ['czf', file, ...options, '-C', folder, '.']);
  return file;
}

let source: string;
beforeEach(async () => {
  source = tempFolder();
  write(source, 'plugins/shop.ts', 'export default 1;');
  write(source, 'agents/shop.yaml', 'plugin: shop\n');
  write(source, 'package.json', '{"dependencies":{"dep":"1.0.0"}}');
  write(source, 'src/shared.ts', 'export const price = 7;');
  const secrets = [{ name: 'NEVER_SET_ANYWHERE', agents: ['shop'] }];
  const about = { format: 1, madeAt: '2026-11-22T02:00:00.000Z', job: 'job-3', secrets, lacks: ['a thing'] };
  write(source, 'data/backup.json', JSON.stringify(about));
  await makeStore(join(source, 'data/daruma.db'), 3);
});

describe('restore', () => {
  it('into a new folder puts everything there, and says what is missing', async () => {
    const folder = join(tempFolder(), 'deep/new');
    const view = await openBackups(folder).restore(pack(source));
    expect(view).toMatchObject({
      folder,
      aside: null,
      jobs: 3,
      madeAt: '2026-11-22T02:00:00.000Z',
      packages: [{ name: 'dep', wanted: '1.0.0', installed: false }],
      secrets: [{ name: 'NEVER_SET_ANYWHERE', agents: ['shop'] }],
      lacks: ['a thing'],
    });
    expect(read(folder, 'src/shared.ts')).toBe('export const price = 7;');
    expect(jobsIn(join(folder, 'data/daruma.db'))).toBe(3);
    expect(readdirSync(join(folder, 'data')).sort()).toEqual(['backup.json', 'daruma.db', 'run']);
  });

  it('over an installation that crashed ends its old log, and keeps aside all that was there', async () => {
    const folder = tempFolder();
    write(folder, 'plugins/new.ts', 'export default 2;');
    write(folder, 'plugins/shop.ts', 'export default "later";');
    write(folder, 'package.json', '{}');
    write(folder, '.env', 'KEY=1');
    write(folder, 'posts/status.md', 'mine');
    await makeStore(join(folder, 'data/daruma.db'), 9);
    for (const end of ['-wal', '-shm']) write(folder, `data/daruma.db${end}`, `old${end}`);
    const view = await openBackups(folder).restore(pack(source));
    expect(view.aside).toMatch(/^data\/before-restore-\d{8}T\d{6}Z$/);
    expect(readdirSync(join(folder, 'plugins'))).toEqual(['shop.ts']);
    expect(jobsIn(join(folder, 'data/daruma.db'))).toBe(3);
    expect(existsSync(join(folder, 'data/daruma.db-wal'))).toBe(false);
    const aside = join(folder, view.aside!);
    expect(read(aside, 'plugins/new.ts')).toBe('export default 2;');
    expect(read(aside, 'plugins/shop.ts')).toBe('export default "later";');
    expect(read(aside, 'package.json')).toBe('{}');
    expect(read(aside, 'data/daruma.db-wal')).toBe('old-wal');
    expect(existsSync(join(aside, 'data/daruma.db'))).toBe(true);
    expect(read(folder, '.env')).toBe('KEY=1');
    expect(read(folder, 'posts/status.md')).toBe('mine');
  });

  it('puts the store where the settings in the backup say', async () => {
    const elsewhere = join(tempFolder(), 'fast/disk.db');
    write(source, 'config/daruma.yaml', `store: { file: ${elsewhere} }\n`);
    const folder = tempFolder();
    write(dirname(elsewhere), 'disk.db', 'what was there');
    await openBackups(folder).restore(pack(source));
    expect(jobsIn(elsewhere)).toBe(3);
    expect(existsSync(join(folder, 'data/daruma.db'))).toBe(false);
    const kept = readdirSync(dirname(elsewhere)).find((name) => name.includes('.before-restore-'));
    expect(read(dirname(elsewhere), kept!)).toBe('what was there');
  });

  it('is refused where a host runs, and nothing is changed', async () => {
    const folder = tempFolder();
    write(folder, 'plugins/shop.ts', 'mine');
    const lock = await lockFolder(folder, { time: machineTime });
    await expect(openBackups(folder).restore(pack(source))).rejects.toMatchObject({ plain: { code: 'HOST_RUNNING' } });
    await lock.release();
    expect(read(folder, 'plugins/shop.ts')).toBe('mine');
  });

  it('of an archive that is damaged, or whose store is, changes nothing', async () => {
    const folder = tempFolder();
    write(folder, 'plugins/shop.ts', 'mine');
    const cut = pack(source);
    truncateSync(cut, Math.floor(statSync(cut).size / 2));
    await expect(openBackups(folder).restore(cut)).rejects.toMatchObject({ plain: { code: 'BACKUP_DAMAGED' } });
    const bytes = readFileSync(join(source, 'data/daruma.db'));
    bytes.fill(0x55, 4096 * 3, 4096 * 9);
    writeFileSync(join(source, 'data/daruma.db'), bytes);
    await expect(openBackups(folder).restore(pack(source))).rejects.toMatchObject({ plain: { code: 'STORE_CORRUPT' } });
    const missing = openBackups(folder).restore(join(folder, 'none.tar.gz'));
    await expect(missing).rejects.toMatchObject({ plain: { code: 'BACKUP_MISSING' } });
    expect(read(folder, 'plugins/shop.ts')).toBe('mine');
    expect(readdirSync(folder)).toEqual(['plugins']);
  });

  it('that was cut off is told to the next start, and can be done again', async () => {
    const folder = tempFolder();
    write(folder, 'data/restoring.json', JSON.stringify({ file: '/b/x.tar.gz', aside: 'data/before-restore-1' }));
    expect(() => refuseHalfRestored(folder)).toThrow(/was cut off; what was there before is in data\/before-restore-1/);
    await openBackups(folder).restore(pack(source));
    expect(() => refuseHalfRestored(folder)).not.toThrow();
  });
});

describe('an archive that somebody else made', () => {
  const unsafe = { plain: { code: 'BACKUP_UNSAFE' } };

  it('with a path that leads out is refused before anything is unpacked', async () => {
    const folder = tempFolder();
    for (const [from, to] of [
      ['src/shared', '../shared'],
      ['src/shared', '/tmp/shared'],
      ['src/', 'src/../../'],
    ])
      await expect(
        openBackups(folder).restore(pack(source, '-P', `--transform=s,^./${from},${to},`)),
      ).rejects.toMatchObject(unsafe);
    expect(existsSync(join(folder, '../shared.ts'))).toBe(false);
  });

  it('with a link is refused', async () => {
    const folder = tempFolder();
    symlinkSync('/etc', join(source, 'plugins/etc'));
    await expect(openBackups(folder).restore(pack(source))).rejects.toMatchObject(unsafe);
    rmSync(join(source, 'plugins/etc'));
    execFileSync('ln', [join(source, 'plugins/shop.ts'), join(source, 'plugins/twin.ts')]);
    await expect(openBackups(folder).verify(pack(source))).rejects.toMatchObject(unsafe);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is one of an installation, or refused', async () => {
    rmSync(join(source, 'plugins'), { recursive: true });
    await expect(openBackups(source).verify(pack(source))).rejects.toMatchObject({ plain: { code: 'BACKUP_UNKNOWN' } });
  });

  it('has only paths that stay below the folder, whatever they are made of', () => {
    const part = fc.constantFrom('..', '.', 'a', '', '\\', 'C:', '...', '..a');
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const path = parts.join('/');
        const landed = join('/root/x', path);
        if (staysInside(path)) expect(landed === '/root/x' || landed.startsWith('/root/x/')).toBe(true);
        if (!path.startsWith('/') && !parts.includes('..') && !/[\\:]/.test(path) && path !== '')
          expect(staysInside(path)).toBe(true);
      }),
    );
  });

  it('of a system tar is read whole', async () => {
    const paths = (await entriesOf(pack(source))).map(({ path }) => path.replace(/^\.\//, ''));
    expect(paths).toEqual(expect.arrayContaining(['plugins/shop.ts', 'data/daruma.db']));
  });
});

it('verify says what it found, leaves nothing behind, and the list knows', async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, 'backups'));
  const file = join(folder, 'backups/daruma-20261122T020000Z.tar.gz');
  execFileSync('cp', [pack(source), file]);
  const backups = openBackups(folder);
  expect(backups.list()).toEqual([
    {
      file: 'daruma-20261122T020000Z.tar.gz',
      at: '2026-11-22T02:00:00.000Z',
      bytes: statSync(file).size,
      verifiedAt: null,
      where: join(folder, 'backups'),
    },
  ]);
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('daruma-verify-'));
  expect(await backups.verify(file)).toMatchObject({ jobs: 3, madeAt: '2026-11-22T02:00:00.000Z' });
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('daruma-verify-'))).toEqual(before);
  expect(backups.list()[0]!.verifiedAt).not.toBeNull();
  // Another file under the same name was never read back.
  writeFileSync(file, 'x');
  expect(backups.list()[0]!.verifiedAt).toBeNull();
});

describe('an encrypted archive', () => {
  const passphrase = 'correct horse battery';
  /** An installation with an encrypted archive in `backups/`. */
  async function sealed(env = `BACKUP_PASSPHRASE=${passphrase}\n`) {
    const folder = tempFolder();
    mkdirSync(join(folder, 'backups'));
    const file = join(folder, 'backups/daruma-20261122T020000Z.tar.gz.age');
    await encryptFile(pack(source), file, passphrase);
    if (env) write(folder, '.env', env);
    return { folder, file, backups: openBackups(folder) };
  }

  it('is listed, proved and restored with the passphrase of .env, also into another folder', async () => {
    const { folder, file, backups } = await sealed();
    expect(await backups.verify(file)).toMatchObject({ file, jobs: 3 });
    expect(backups.list()).toMatchObject([
      { file: 'daruma-20261122T020000Z.tar.gz.age', verifiedAt: expect.any(String), at: '2026-11-22T02:00:00.000Z' },
    ]);
    const other = tempFolder();
    expect(await openBackups(other).restore(file)).toMatchObject({ folder: other, jobs: 3 });
    expect(jobsIn(join(other, 'data/daruma.db'))).toBe(3);
    expect(readdirSync(join(other, 'data')).sort()).toEqual(['backup.json', 'daruma.db', 'run']);
    expect(readdirSync(folder).sort()).toEqual(['.env', 'backups']);
  });

  it.each([
    ['', 'BACKUP_PASSPHRASE_MISSING', /is encrypted, and there is no passphrase for it/],
    ['BACKUP_PASSPHRASE=another one of them\n', 'BACKUP_PASSPHRASE_WRONG', /is encrypted with another passphrase/],
  ])('changes nothing with %j in .env: %s', async (env, code, message) => {
    const { file } = await sealed(env);
    const folder = tempFolder();
    write(folder, 'plugins/shop.ts', 'mine');
    const refused = {
      plain: { code, message: expect.stringMatching(message), next: expect.stringContaining('nothing was changed') },
    };
    await expect(openBackups(folder).restore(file)).rejects.toMatchObject(refused);
    await expect(openBackups(folder).verify(file)).rejects.toMatchObject(refused);
    expect(read(folder, 'plugins/shop.ts')).toBe('mine');
    expect(readdirSync(folder)).toEqual(['plugins']);
    expect(statSync(file).size).toBeGreaterThan(0);
  });

  it('that was changed or cut anywhere is damaged, and the file is named, not the form in between', async () => {
    const { file, backups } = await sealed();
    const whole = readFileSync(file);
    for (const at of [300, whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      writeFileSync(file, changed);
      const damaged = { plain: { code: 'BACKUP_DAMAGED', message: expect.stringContaining(`${file} cannot be`) } };
      await expect(backups.verify(file)).rejects.toMatchObject(damaged);
    }
    writeFileSync(file, whole.subarray(0, whole.length - 20));
    await expect(backups.verify(file)).rejects.toMatchObject({ plain: { code: 'BACKUP_DAMAGED' } });
    await encryptFile(
      pack(source, '-P', '--transform=s,^./src/,../out/,', '--transform=s,^./plugins,../plugins,'),
      `${file}.2`,
      passphrase,
    );
    const unsafe = { plain: { code: 'BACKUP_UNSAFE', message: expect.stringContaining(`${file}.2 holds`) } };
    await expect(backups.verify(`${file}.2`)).rejects.toMatchObject(unsafe);
  });
});

describe('the start of what was unpacked', () => {
  const plugin = `import { definePlugin } from 'daruma';\nexport default definePlugin({ about: 'Sells.', schedule: '0 0 * * *', async run() {} });\n`;
  const agentOf = (name: string) => ({ agent: { name, version: { plugin: name, id: '1234' } }, origins: [] });
  const inForce = (...names: string[]) =>
    write(
      source,
      'data/versions/in-force.json',
      JSON.stringify({ format: 1, agents: Object.fromEntries(names.map((name) => [name, agentOf(name)])) }),
    );

  it('finds the agents, and opens no store but that of the archive', async () => {
    const live = join(tempFolder(), 'live.db');
    write(source, 'config/daruma.yaml', `store: { file: ${live} }\n`);
    write(source, 'plugins/shop.ts', plugin);
    inForce('shop');
    expect(await openBackups(tempFolder()).verify(pack(source))).toMatchObject({ agents: ['shop'], jobs: 3 });
    expect(existsSync(live)).toBe(false);
  });

  it('is refused where an agent that was in force would not run, with the reason', async () => {
    inForce('shop', 'gone');
    await expect(openBackups(tempFolder()).verify(pack(source))).rejects.toMatchObject({
      plain: {
        code: 'BACKUP_NO_START',
        message: expect.stringMatching(
          /would not start: gone, shop would not run; plugins\/shop\.ts: its default export/,
        ),
      },
    });
  });

  it('is refused where the settings are wrong, with their place', async () => {
    write(source, 'config/daruma.yaml', 'timezone: Nowhere/There\n');
    await expect(openBackups(tempFolder()).verify(pack(source))).rejects.toMatchObject({
      plain: { code: 'BACKUP_NO_START', file: 'config/daruma.yaml', line: 1 },
    });
  });
});

describe('an archive of an agent', () => {
  const by = { name: 'backup', needs: { write: ['backups'] } } as never;
  const placed = async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'backups'));
    write(folder, 'data/run/proving-1-killed/left', 'of a host that was killed');
    execFileSync('cp', [pack(source), join(folder, 'backups/draft')]);
    return folder;
  };

  /** Asks as a worker does. */
  async function proved(proofs: Proofs, file: string) {
    for (let signs = 0; ; signs++) {
      const answer = await proofs.prove(file, by, 'job-1 1');
      if (!('proving' in answer)) return { signs, ...answer };
    }
  }

  it('is proved by a process of its own, which leaves nothing', async () => {
    const folder = await placed();
    const proofs = createProofs(folder, { lookMs: 1 });
    const hash = createHash('sha256')
      .update(readFileSync(join(source, 'data/daruma.db')))
      .digest('hex');
    const { signs, ...proof } = await proved(proofs, 'backups/draft');
    expect(proof).toMatchObject({ jobs: 3, storeHash: hash, agents: [] });
    expect(signs).toBeGreaterThan(0);
    writeFileSync(join(folder, 'backups/draft'), 'no archive');
    await expect(proved(proofs, 'backups/draft')).rejects.toMatchObject({ plain: { code: 'BACKUP_DAMAGED' } });
    await expect(proved(proofs, 'data/draft')).rejects.toMatchObject({ plain: { code: 'NOT_IN_NEEDS' } });
    expect(readdirSync(join(folder, 'data/run'))).toEqual([]);
  });

  it('is given up when the host stops', async () => {
    const folder = await placed();
    const proofs = createProofs(folder);
    const proof = proved(proofs, 'backups/draft');
    proofs.stop();
    await expect(proof).rejects.toMatchObject({ plain: { code: 'BACKUP_UNPROVEN' } });
    expect(readdirSync(join(folder, 'data/run'))).toEqual([]);
  });
});

describe('a proof', () => {
  const by = { name: 'backup', needs: { write: ['backups'] } } as never;
  const endsSoon = async (bounds: NonNullable<Parameters<typeof createProofs>[1]>) => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'backups'));
    // A process that opens it waits for somebody to write, and does nothing else.
    execFileSync('mkfifo', [join(folder, 'backups/draft')]);
    return { folder, proofs: createProofs(folder, bounds) };
  };

  it('that stands still is ended, and is no sign of life', async () => {
    const { folder, proofs } = await endsSoon({ lookMs: 20, stallMs: 200 });
    const asked = async () => {
      for (;;) await proofs.prove('backups/draft', by, 'job-1 1');
    };
    await expect(asked()).rejects.toMatchObject({
      plain: { message: expect.stringContaining('stood still for 200ms') },
    });
    expect(readdirSync(join(folder, 'data/run'))).toEqual([]);
  });

  it('that nobody asks about any more is ended', async () => {
    const { folder, proofs } = await endsSoon({ lookMs: 1, unaskedMs: 1 });
    expect(await proofs.prove('backups/draft', by, 'job-1 1')).toHaveProperty('proving');
    await expect.poll(() => readdirSync(join(folder, 'data/run')), { timeout: 60_000 }).toEqual([]);
  });
});

it('the job that made the backup is over for the first host after a restore, and no other job is', async () => {
  const folder = tempFolder();
  await openBackups(folder).restore(pack(source));
  const store = createSqliteStore(
    { time: machineTime, log: quiet, onFailure() {} },
    { file: join(folder, 'data/daruma.db') },
  );
  await store.start();
  const running = (await store.list({ states: ['running'], limit: 10 })).map(({ id }) => id);
  const about = JSON.parse(read(folder, 'data/backup.json'));
  write(folder, 'data/backup.json', JSON.stringify({ ...about, job: running[0] }));
  expect(running).toHaveLength(1);
  await settleRestored(folder, store, { now: Date.parse('2026-11-23T00:00:00Z'), log: quiet });
  expect(await store.get(running[0]!)).toMatchObject({ state: 'done' });
  expect(await store.abandoned({ host: 'local', run: 'next' })).toEqual([]);
  expect(existsSync(join(folder, 'data/backup.json'))).toBe(false);
  expect(JSON.parse(read(folder, 'data/restored.json'))).toMatchObject({ startedAt: '2026-11-23T00:00:00.000Z' });
  await store.stop();
});
