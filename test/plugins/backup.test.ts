import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import backup from '../../plugins/backup.ts';
import backupEncrypted from '../../plugins/backup-encrypted.ts';
import { pack } from '../../plugins/lib/archive.ts';
import { surplus } from '../../plugins/lib/backups.ts';
import { contentsOf, hasCredentials } from '../../plugins/lib/contents.ts';
import { entriesOf } from '../../src/host/backup/archive.ts';
import { proveHere, runPlugin, tempFolder, type World } from './context.ts';
import { countJobs, makeStore, startWriter } from './store-sample.ts';

/** An installation with a store of so many jobs and a few files. */
function installation(jobs = 50) {
  const folder = tempFolder();
  const storeFile = join(folder, 'data/daruma.db');
  makeStore(storeFile, jobs);
  write(folder, 'plugins/shop.ts', 'export default 1;');
  write(folder, 'plugins/lib/deep/help.ts', 'export const help = 2;');
  write(folder, 'agents/shop.yaml', 'plugin: shop\n');
  return { folder, storeFile };
}

function write(folder: string, name: string, content: string | Buffer) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
}

const inBackups = (folder: string) => readdirSync(join(folder, 'backups')).sort();
const settings = { leaveFree: '1MB' };
const make = (world: World) => runPlugin(backup, { settings, ...world });
const seal = (world: World) => runPlugin(backupEncrypted, { settings, ...world });

describe('a backup', () => {
  it('holds the store and the files, and any tar can unpack it', async () => {
    const { folder, storeFile } = installation(50);
    const { result, summary, beats } = await make({ folder, storeFile });
    expect(result).toEqual({
      file: expect.stringMatching(/^backups\/daruma-\d{8}T\d{6}Z\.tar\.zst$/),
      bytes: statSync(join(folder, result.file)).size,
      jobs: 50,
      entries: 11,
      agents: ['shop'],
      checked: true,
      lacks: expect.arrayContaining(['secrets and .env']),
    });
    expect(inBackups(folder)).toEqual([result.file.slice('backups/'.length), 'verified.json']);
    expect(statSync(join(folder, result.file)).mode & 0o777).toBe(0o600);
    expect(summary).toContain('50 jobs, 11 entries');
    expect(beats).toEqual(expect.arrayContaining(['packing', 'restoring it into an empty folder']));

    const restored = tempFolder();
    execFileSync('tar', ['xf', join(folder, result.file), '-C', restored]);
    expect(readFileSync(join(restored, 'plugins/lib/deep/help.ts'), 'utf8')).toBe('export const help = 2;');
    expect(readFileSync(join(restored, 'agents/shop.yaml'), 'utf8')).toBe('plugin: shop\n');
    expect(readdirSync(join(restored, 'data')).sort()).toEqual(['backup.json', 'daruma.db', 'daruma.db-wal']);
    expect(countJobs(join(restored, 'data/daruma.db'))).toBe(50);
  });

  it('is encrypted with a passphrase of enough letters, proved in that form, and read by nobody without it', async () => {
    const { folder, storeFile } = installation(50);
    const secrets = { BACKUP_PASSPHRASE: 'correct horse battery' };
    await expect(seal({ folder, storeFile })).rejects.toThrow('wants the secret BACKUP_PASSPHRASE');
    const short = { BACKUP_PASSPHRASE: 'too short' };
    await expect(seal({ folder, storeFile, secrets: short })).rejects.toThrow('less than 16 letters');
    const { result } = await seal({ folder, storeFile, secrets });
    expect(result).toMatchObject({ file: expect.stringMatching(/Z\.tar\.zst\.age$/), jobs: 50, checked: true });
    const name = result.file.slice('backups/'.length);
    expect(inBackups(folder)).toEqual([name, 'verified.json']);
    expect(statSync(join(folder, result.file)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, result.file)).subarray(0, 21).toString()).toBe('age-encryption.org/v1');
    expect(await proveHere(join(folder, result.file), secrets)).toMatchObject({ jobs: 50 });
    await expect(proveHere(join(folder, result.file))).rejects.toMatchObject({
      plain: { code: 'BACKUP_PASSPHRASE_MISSING' },
    });
  });

  it('that cannot be opened with the passphrase that the host finds does not count', async () => {
    const { folder, storeFile } = installation();
    const secrets = { BACKUP_PASSPHRASE: 'correct horse battery' };
    const prove = (file: string) => proveHere(file, { BACKUP_PASSPHRASE: 'another passphrase' });
    const made = seal({ folder, storeFile, secrets, prove });
    await expect(made).rejects.toMatchObject({ plain: { code: 'BACKUP_PASSPHRASE_WRONG' } });
    expect(inBackups(folder)).toEqual([]);
  });

  it('of a store that another process writes to ends, and holds every job up to one moment', async () => {
    const { folder, storeFile } = installation(10_000);
    const writer = await startWriter(storeFile);
    const { result } = await make({ folder, storeFile });
    const added = await writer.stop();
    const restored = tempFolder();
    execFileSync('tar', ['xf', join(folder, result.file), '-C', restored]);
    const copy = new DatabaseSync(join(restored, 'data/daruma.db'), { readOnly: true });
    const { jobs, newest } = copy.prepare('SELECT count(*) AS jobs, max(id) AS newest FROM job').get()!;
    copy.close();
    expect(jobs).toBe(newest);
    expect(result.jobs).toBe(jobs);
    expect(result.jobs).toBeGreaterThanOrEqual(10_020);
    expect(10_000 + added).toBeGreaterThan(result.jobs);
    expect(countJobs(storeFile)).toBeGreaterThanOrEqual(10_000 + added);
  });

  it('of a store outside the installation has it in data/', async () => {
    const { folder } = installation();
    const storeFile = join(tempFolder(), 'elsewhere.db');
    makeStore(storeFile, 3);
    const { result } = await make({ folder, storeFile });
    expect(execFileSync('tar', ['tf', join(folder, result.file)], { encoding: 'utf8' })).toContain(
      '\ndata/daruma.db\n',
    );
    expect(result.jobs).toBe(3);
  });

  it('clears away what its own killed attempts left, and nothing else', async () => {
    const { folder, storeFile } = installation();
    write(folder, 'backups/.making-tested-20261101T020000Z/content/data/daruma.db', 'half');
    write(folder, 'backups/.making-other-20261101T020000Z/daruma.tar.gz', 'of another agent, at work');
    write(folder, 'backups/notes.txt', 'mine');
    await make({ folder, storeFile });
    expect(inBackups(folder).filter((name) => !name.startsWith('daruma-'))).toEqual([
      '.making-other-20261101T020000Z',
      'notes.txt',
      'verified.json',
    ]);
  });

  it('leaves nothing behind when it is stopped half way', async () => {
    const { folder, storeFile } = installation();
    const stop = new AbortController();
    const onBeat = (note: string | undefined) =>
      note === 'restoring it into an empty folder' && stop.abort(new Error('drained'));
    await expect(make({ folder, storeFile, signal: stop.signal, onBeat })).rejects.toThrow('drained');
    expect(inBackups(folder)).toEqual([]);
  });

  it('keeps as many as it is told, the oldest go', async () => {
    const { folder, storeFile } = installation();
    for (const day of ['01', '02', '03']) write(folder, `backups/daruma-202611${day}T020000Z.tar.gz`, 'old');
    const { result } = await make({ folder, storeFile, settings: { ...settings, keep: 2 } });
    const made = result.file.slice('backups/'.length);
    expect(inBackups(folder)).toEqual(['daruma-20261103T020000Z.tar.gz', made, 'verified.json']);
  });

  it('is not taken for good when the store is damaged', async () => {
    const { folder, storeFile } = installation(200);
    const bytes = readFileSync(storeFile);
    bytes.fill(0x55, 4096 * 12, 4096 * 14);
    writeFileSync(storeFile, bytes);
    await expect(make({ folder, storeFile })).rejects.toThrow(/damaged|malformed/);
    expect(inBackups(folder)).toEqual([]);
  });
});

describe('what an archive holds', () => {
  it('is what the installation is made of, and no secret', async () => {
    const { folder, storeFile } = installation();
    for (const name of [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'AGENTS.md',
      'vendor/daruma.tgz',
      'config/daruma.yaml',
    ])
      write(folder, name, '{}');
    write(folder, '.npmrc', 'loglevel=error\n');
    for (const secret of ['.env', 'plugins/.env', 'config/.env.local']) write(folder, secret, 'KEY=sesame');
    write(folder, 'plugins/node_modules/dep/index.js', '1');
    const kept = 'data/versions/shop/1234/source/src/shared.ts';
    write(folder, kept, 'export const price = 7;');
    const parts = {
      versions: ['data/versions/in-force.json', 'data/versions/shop/1234'],
      sources: [{ path: 'src/shared.ts', from: kept }],
      secrets: [{ name: 'SHOP_TOKEN', agents: ['shop'] }],
      lacks: ['something'],
    };
    const { result } = await make({ folder, storeFile, parts, job: 'job-7' });
    const there = execFileSync('tar', ['tf', join(folder, result.file)], { encoding: 'utf8' }).split('\n');
    for (const name of [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'AGENTS.md',
      '.npmrc',
      'vendor/daruma.tgz',
    ])
      expect(there).toContain(name);
    expect(there).toEqual(expect.arrayContaining(['config/daruma.yaml', kept, 'src/shared.ts', 'data/backup.json']));
    expect(there.filter((name) => /\.env|node_modules/.test(name))).toEqual([]);
    expect(result.lacks).toEqual(expect.arrayContaining(['something', 'plugins/.env', 'config/.env.local']));

    const restored = tempFolder();
    execFileSync('tar', ['xf', join(folder, result.file), '-C', restored]);
    expect(readFileSync(join(restored, 'src/shared.ts'), 'utf8')).toBe('export const price = 7;');
    expect(statSync(join(restored, 'data/daruma.db-wal')).size).toBe(0);
    expect(JSON.parse(readFileSync(join(restored, 'data/backup.json'), 'utf8'))).toMatchObject({
      job: 'job-7',
      store: 'data/daruma.db',
      secrets: parts.secrets,
      lacks: result.lacks,
    });
  });

  it('is not undone by the log of the store that it is unpacked over after a crash', async () => {
    const { folder, storeFile } = installation(50);
    const { result } = await make({ folder, storeFile });
    const writer = await startWriter(storeFile);
    await writer.stop();
    expect(statSync(`${storeFile}-wal`).size).toBeGreaterThan(0);
    execFileSync('tar', ['xf', join(folder, result.file), '-C', folder]);
    const store = new DatabaseSync(storeFile);
    store.exec('PRAGMA journal_mode = WAL');
    expect(store.prepare('SELECT count(*) AS jobs FROM job').get()).toEqual({ jobs: 50 });
    expect(store.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    store.close();
  });

  it('is no link: what is inside of the installation is followed, what leads out is said', async () => {
    const { folder, storeFile } = installation();
    write(folder, 'parts/tax.ts', 'export const tax = 0.19;');
    symlinkSync('../parts/tax.ts', join(folder, 'plugins/tax.ts'));
    symlinkSync('/etc/hostname', join(folder, 'plugins/out.ts'));
    symlinkSync('nowhere.ts', join(folder, 'plugins/dangling.ts'));
    symlinkSync('..', join(folder, 'plugins/round'));
    const { result } = await make({ folder, storeFile });
    const listed = execFileSync('tar', ['tvf', join(folder, result.file)], { encoding: 'utf8' });
    expect(listed).not.toMatch(/^[lh]/m);
    expect(listed).toContain('plugins/tax.ts');
    expect(result.lacks).toEqual(
      expect.arrayContaining([
        'plugins/out.ts: a link out of the installation',
        'plugins/dangling.ts: a link to nothing that can be read',
        expect.stringContaining('plugins/round'),
      ]),
    );
  });

  it('is no .npmrc that lets somebody in', () => {
    for (const text of [
      '//r.example/:_authToken=abc',
      '_auth = x',
      '//r.example/:username=a\n//r.example/:_password=b',
    ])
      expect(hasCredentials(text)).toBe(true);
    for (const text of ['', 'loglevel=error', 'cache=/x/_auth']) expect(hasCredentials(text)).toBe(false);
  });
});

describe('on a disk that is full', () => {
  it('does not begin what would take the room that the host needs', async () => {
    const { folder, storeFile } = installation();
    const run = make({ folder, storeFile, settings: { leaveFree: '9000000GB' } });
    await expect(run).rejects.toThrow(/^no room for a backup: backups\/ has .+ free, .+ are needed/);
    expect(inBackups(folder)).toEqual([]);
  });

  it('says so, leaves nothing half made and keeps the earlier backups', async ({ skip }) => {
    const { folder, storeFile } = installation();
    mkdirSync(join(folder, 'backups'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', join(folder, 'backups')], { stdio: 'pipe' });
    } catch (error) {
      skip(`no small disk could be mounted here: ${(error as Error).message}`);
    }
    onTestFinished(() => void execFileSync('umount', [join(folder, 'backups')]));
    write(folder, 'backups/daruma-20261101T020000Z.tar.gz', 'an earlier one');
    write(folder, 'plugins/big.bin', randomBytes(3_000_000));
    const run = make({ folder, storeFile, settings: { leaveFree: '0B' } });
    await expect(run).rejects.toThrow(/^the disk ran full while the backup was made .+ nothing half made was left/);
    expect(inBackups(folder)).toEqual(['daruma-20261101T020000Z.tar.gz']);
  });
});

describe('an archive', () => {
  async function packed() {
    const folder = tempFolder();
    write(folder, 'plugins/a.bin', randomBytes(300_000));
    const archive = join(folder, 'a.tar.gz');
    const paths = ['plugins', 'plugins/a.bin'];
    const entries = await pack(archive, { folder, paths, strip: 'nothing/' }, () => {});
    return { folder, archive, entries };
  }

  it('has what was packed, and overwrites nothing', async () => {
    const { folder, archive, entries } = await packed();
    expect(entries).toEqual(
      new Map([
        ['plugins/', 0],
        ['plugins/a.bin', 300_000],
      ]),
    );
    expect(execFileSync('tar', ['tf', archive], { encoding: 'utf8' })).toBe('plugins/\nplugins/a.bin\n');
    await expect(pack(archive, { folder, paths: ['plugins'], strip: '' }, () => {})).rejects.toThrow('EEXIST');
  });

  it('keeps long names, other letters, bytes, times and rights as another tar reads them', async () => {
    const folder = tempFolder();
    const sizes = [0, 1, 511, 512, 513, 262_144, 262_145];
    const names = sizes.map((size) => `plugins/${'ä'.repeat(20)}/${'long-'.repeat(45)}${size}.bin`);
    for (const [at, name] of names.entries()) write(folder, name, randomBytes(sizes[at]!));
    write(folder, `plugins/${'n'.repeat(99)}`, 'just too long');
    write(folder, 'plugins/@run.sh', 'begins with a sign');
    chmodSync(join(folder, 'plugins/@run.sh'), 0o5577);
    chmodSync(join(folder, 'plugins'), 0o744);
    utimesSync(join(folder, 'plugins/@run.sh'), 86_400, 86_400);
    const paths = ['plugins', ...names, `plugins/${'n'.repeat(99)}`, 'plugins/@run.sh'];
    await pack(join(folder, 'a.tar'), { folder, paths, strip: 'nothing/' }, () => {});
    const there = tempFolder();
    execFileSync('tar', ['xpf', join(folder, 'a.tar'), '-C', there]);
    for (const path of paths.slice(1))
      expect(readFileSync(join(there, path)).equals(readFileSync(join(folder, path)))).toBe(true);
    const { mode, mtimeMs } = statSync(join(there, 'plugins/@run.sh'));
    expect({ mode: mode & 0o777, mtimeMs }).toEqual({ mode: 0o755, mtimeMs: 86_400_000 });
    expect(statSync(join(there, 'plugins')).mode & 0o777).toBe(0o755);
  });

  it('of what is no file, or of a file that gets shorter meanwhile, is none', async () => {
    const folder = tempFolder();
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const of = (name: string, path: string, packed = () => {}) =>
      pack(join(folder, name), { folder, paths: [path, path], strip: 'nothing/' }, packed);
    await expect(of('a.tar', 'pipe')).rejects.toThrow('pipe is neither a file nor a folder');
    write(folder, 'log', randomBytes(9_000_000));
    const shorter = () => truncateSync(join(folder, 'log'), 10);
    await expect(of('b.tar', 'log', shorter)).rejects.toThrow('log got shorter while it was packed');
  });

  it('that cannot be finished fails once, and what was still being packed behind it harms nobody', async () => {
    const folder = tempFolder();
    for (let file = 0; file < 40; file++) write(folder, `plugins/${file}.bin`, randomBytes(200_000));
    const full = () => {
      rmSync(join(folder, 'plugins'), { recursive: true });
      throw new Error('no room');
    };
    const { paths } = await contentsOf(folder, ['plugins']);
    const run = pack(join(folder, 'a.tar.gz'), { folder, paths, strip: 'nothing/' }, full);
    await expect(run).rejects.toThrow('no room');
    await setImmediate();
  });

  it('that was cut short or changed anywhere is refused', async () => {
    const { archive } = await packed();
    const whole = readFileSync(archive);
    for (const at of [100, 150_000, whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      writeFileSync(archive, changed);
      await expect(entriesOf(archive)).rejects.toMatchObject({ plain: { code: 'BACKUP_DAMAGED' } });
    }
    writeFileSync(archive, whole);
    truncateSync(archive, 150_000);
    await expect(entriesOf(archive)).rejects.toMatchObject({ plain: { code: 'BACKUP_DAMAGED' } });
  });
});

describe('an archive that differs from what went in', () => {
  it.each([
    ['storeHash', { storeHash: 'other' }, 'the store in the archive differs'],
    ['entries', { entries: 1 }, 'the archive differs from what went in: 1 entries'],
    ['bytes', { bytes: 1 }, 'of 1 bytes'],
  ])('is no backup: %s', async (_what, differs, message) => {
    const { folder, storeFile } = installation();
    await expect(make({ folder, storeFile, proof: differs })).rejects.toThrow(message);
    expect(inBackups(folder)).toEqual([]);
  });
});

describe('old backups', () => {
  const at = (day: Temporal.PlainDate) => ({
    name: `daruma-${day.toString().replaceAll('-', '')}T020000Z.tar.zst`,
    bytes: 1,
  });
  const anyDays = fc
    .uniqueArray(fc.nat(800), { minLength: 1 })
    .map((days) => days.map((day) => Temporal.PlainDate.from('2024-01-01').add({ days: day })));
  const anyKeep = fc.record({
    daily: fc.integer({ min: 1, max: 9 }),
    weekly: fc.nat(9),
    monthly: fc.nat(9),
  });
  const nameOf = (day: Temporal.PlainDate) => at(day).name;

  it('stay for seven days, four weeks and twelve months', () => {
    const days = Array.from({ length: 500 }, (_, day) => Temporal.PlainDate.from('2026-11-27').subtract({ days: day }));
    const going = new Set(surplus(days.map(at), { daily: 7, weekly: 4, monthly: 12 }, Number.POSITIVE_INFINITY));
    const left = days.map(at).filter(({ name }) => ![...going].some((gone) => gone.name === name));
    expect(left.map(({ name }) => name.slice(7, 15))).toEqual([
      ...['20261127', '20261126', '20261125', '20261124', '20261123', '20261122', '20261121'],
      // 22 November is a Sunday, the newest of its week, and among the days already.
      ...['20261115', '20261108', '20261031', '20260930', '20260831', '20260731', '20260630', '20260531'],
      ...['20260430', '20260331', '20260228', '20260131', '20251231'],
    ]);
  });

  it('that stay are the newest of their day, week or month, and one more backup lets no other back in', () => {
    fc.assert(
      fc.property(anyDays, anyKeep, (days, keep) => {
        const names = days.map(nameOf).sort().reverse();
        const going = new Set(surplus(days.map(at), keep, Number.POSITIVE_INFINITY).map(({ name }) => name));
        const left = names.filter((name) => !going.has(name));
        expect(left.slice(0, keep.daily)).toEqual(names.slice(0, keep.daily));
        expect(left.length).toBeLessThanOrEqual(keep.daily + keep.weekly + keep.monthly);
        const months = new Set(names.map((name) => name.slice(7, 13)));
        const kept = new Set(left.map((name) => name.slice(7, 13)));
        expect(kept.size).toBeGreaterThanOrEqual(Math.min(months.size, keep.monthly));
        const again = surplus(
          left.map((name) => ({ name, bytes: 1 })),
          keep,
          Number.POSITIVE_INFINITY,
        );
        expect(again).toEqual([]);
      }),
    );
  });
});

it('keeps the newest always, and otherwise as many as fit the number and the bytes', () => {
  const anyBackups = fc.uniqueArray(fc.record({ name: fc.string(), bytes: fc.nat(100) }), {
    selector: ({ name }) => name,
  });
  fc.assert(
    fc.property(anyBackups, fc.integer({ min: 1, max: 10 }), fc.nat(500), (backups, keep, budget) => {
      const going = new Set(surplus(backups, keep, budget));
      const left = backups.filter((one) => !going.has(one));
      const bytes = left.reduce((sum, one) => sum + one.bytes, 0);
      expect(left.length).toBeLessThanOrEqual(keep);
      expect(left.length).toBeGreaterThanOrEqual(Math.min(1, backups.length));
      expect(left.length === 1 || bytes <= budget).toBe(true);
      for (const gone of going) for (const one of left) expect(one.name > gone.name).toBe(true);
    }),
  );
});
