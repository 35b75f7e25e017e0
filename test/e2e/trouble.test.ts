import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { NO_DISK, smallDisk } from './disk.ts';
import { type Installation, installation, plugin } from './installation.ts';

const QUICK = { 'plugins/quick.ts': plugin('return 7;') };
const OLD_NODE = '/usr/bin/node';

let place: Installation;
const clean: (() => unknown)[] = [];
afterEach(async () => {
  await place.leave();
  for (const call of clean.splice(0).reverse()) await call();
});

/** What a start that is refused says: exit code 1, the fault, and the same for people. */
async function refused() {
  const asJson = await place.daruma('start', '--json');
  const asText = await place.daruma('start');
  expect([asJson.code, asText.code]).toEqual([1, 1]);
  const { error } = asJson.json;
  expect(error.next).toBeTruthy();
  // A slow start may have said what it found; it never says that it is ready.
  expect(asText.stdout).not.toContain('ready in');
  for (const words of [error.message, error.next]) expect(asText.stderr).toContain(words);
  return error;
}

async function runsAgain() {
  await place.start();
  expect((await place.daruma('run', 'quick', '--wait', '--json')).json).toMatchObject({ state: 'done', result: 7 });
}

describe('a store that cannot be used', () => {
  it('is refused when it is damaged, by name, and not a byte of it is changed', async () => {
    place = installation({ ...QUICK, 'data/daruma.db': 'not a store at all '.repeat(1_000) });
    const before = place.read('data/daruma.db');
    expect(await refused()).toMatchObject({ code: 'STORE_CORRUPT', file: join(place.folder, 'data/daruma.db') });
    expect(place.read('data/daruma.db')).toBe(before);
    expect(readdirSync(join(place.folder, 'data')).filter((name) => name.startsWith('daruma.db'))).toEqual([
      'daruma.db',
      'daruma.db-lock',
    ]);
    place.remove('data/daruma.db');
    await runsAgain();
  });

  it('is refused when a newer version made it, and not a byte of it is changed', async () => {
    place = installation(QUICK);
    await place.start();
    await place.stop();
    const file = join(place.folder, 'data/daruma.db');
    const known = setSchema(file, 4_711);
    const before = readFileSync(file);
    const fault = await refused();
    expect(fault).toMatchObject({ code: 'STORE_NEWER', file });
    expect(fault.message).toContain('4711');
    expect(readFileSync(file)).toEqual(before);
    setSchema(file, known);
    await runsAgain();
  });

  it('is told as held by another process, and opens when that has let go', async () => {
    place = installation(QUICK);
    await place.start();
    await place.stop();
    const file = join(place.folder, 'data/daruma.db');
    const other = new DatabaseSync(file);
    clean.push(() => other.isOpen && other.close());
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    const { code, json } = await place.daruma('start', '--json');
    expect(code).toBe(1);
    expect(json.error).toMatchObject({ code: 'STORE_BUSY', file });
    other.close();
    await runsAgain();
  });

  it('loses the page that was being written when the host was killed, and nothing before it', async () => {
    place = installation(QUICK);
    await place.start();
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.push((await place.daruma('run', 'quick', '--wait', '--json')).json.id);
    await place.stop('SIGKILL');
    const log = join(place.folder, 'data/daruma.db-wal');
    const bytes = readFileSync(log);
    expect(bytes.length).toBeGreaterThan(1_000);
    // The last frame is torn in the middle, and behind it stands half of another one.
    writeFileSync(log, Buffer.concat([bytes.subarray(0, -3_000), Buffer.alloc(1_500, 0xa5)]));
    await place.start();
    const jobs = (await place.daruma('jobs', '--json')).json as { id: string; state: string }[];
    const kept = ids.filter((id) => jobs.some((job) => job.id === id));
    expect(kept).toEqual(ids.slice(0, kept.length));
    expect(kept.length).toBeGreaterThanOrEqual(4);
    expect((await place.daruma('run', 'quick', '--wait', '--json')).json).toMatchObject({ state: 'done' });
  });
});

describe('a folder that cannot be used', () => {
  it('is told when a file stands where a folder has to be', async () => {
    place = installation({ ...QUICK, data: 'a file' });
    const fault = await refused();
    expect(fault.code).toBe('FOLDER_READONLY');
    expect(fault.message).toContain(join(place.folder, 'data'));
    expect(place.read('data')).toBe('a file');
    place.remove('data');
    await runsAgain();
  });

  it('is told when its disk is read-only, and carries a host again when it is not', async (context) => {
    const disk = smallDisk(32_000_000) ?? context.skip(NO_DISK);
    clean.push(disk.remove);
    place = installation(QUICK, disk.path);
    disk.mountAs('ro');
    expect(await refused()).toMatchObject({ code: 'FOLDER_READONLY' });
    disk.mountAs('rw');
    await runsAgain();
  });

  it('is told when its disk is full at the start, and carries a host again when it is not', async (context) => {
    const disk = smallDisk(64_000_000) ?? context.skip(NO_DISK);
    clean.push(disk.remove);
    place = installation(QUICK, disk.path);
    disk.fill();
    expect((await refused()).code).toMatch(/^(DISK|STORE)_FULL$/);
    disk.free();
    await runsAgain();
  });
});

describe('a control socket that cannot be used', () => {
  it('is told when somebody else listens there, who is left in peace', async () => {
    place = installation({ ...QUICK, 'config/daruma.yaml': 'control:\n  socket: taken.sock\n' });
    const socket = join(place.folder, 'taken.sock');
    const server = createServer((client) => client.destroy()).listen(socket);
    clean.push(() => new Promise((resolve) => server.close(resolve)));
    const fault = await refused();
    expect(fault).toMatchObject({ code: 'SOCKET_TAKEN' });
    expect(fault.message).toContain(socket);
    expect(existsSync(socket)).toBe(true);
    place.write('config/daruma.yaml', 'control:\n  socket: free.sock\n');
    await runsAgain();
  });

  it('is told when a file stands there, which is left as it is', async () => {
    place = installation({
      ...QUICK,
      'config/daruma.yaml': 'control:\n  socket: notes.txt\n',
      'notes.txt': 'of somebody',
    });
    expect(await refused()).toMatchObject({ code: 'SOCKET_TAKEN' });
    expect(place.read('notes.txt')).toBe('of somebody');
  });

  it('is taken over when a killed host left it behind', async () => {
    place = installation(QUICK);
    await place.start();
    await place.stop('SIGKILL');
    expect(existsSync(join(place.folder, 'data/run/control.sock'))).toBe(true);
    await runsAgain();
  });
});

describe('settings that cannot be used', () => {
  it('are told with file, line and column, and the host does not start on half of them', async () => {
    place = installation({ ...QUICK, 'config/daruma.yaml': 'logs:\n  level: info\nstore:\n  fiel: other.db\n' });
    const fault = await refused();
    expect(fault).toMatchObject({ code: 'HOST_SETTINGS_INVALID', file: 'config/daruma.yaml', line: 4, column: 3 });
    expect(fault.message).toContain('did you mean file');
    expect((await place.daruma('start')).stderr).toContain('config/daruma.yaml:4:3');
    expect(existsSync(join(place.folder, 'data'))).toBe(false);
  });

  it('are told when they are no YAML', async () => {
    place = installation({ ...QUICK, 'config/daruma.yaml': 'store:\n  file: [a.db\n' });
    expect(await refused()).toMatchObject({
      code: 'YAML_SYNTAX',
      file: 'config/daruma.yaml',
      line: expect.any(Number),
    });
  });
});

describe.skipIf(!existsSync(OLD_NODE))('an older Node', () => {
  const old = (main: string, ...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(OLD_NODE, [main, ...args], { cwd: tmpdir() }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });

  it('hands over to the Node that came with the installation', async (context) => {
    const { stdout } = await new Promise<{ stdout: string }>((resolve) =>
      execFile(OLD_NODE, ['--version'], (_, stdout) => resolve({ stdout })),
    );
    if (Number(stdout.slice(1).split('.')[0]) >= 26) context.skip('NOT TRIED: there is no older Node on this machine');
    place = installation(QUICK);
    const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
    const said = await old(main, 'status', '--dir', place.folder, '--json');
    expect(said).toMatchObject({ code: 4 });
    expect(JSON.parse(said.stdout).error.code).toBe('HOST_DOWN');
  });

  it('without another one at hand is told what is needed, with exit code 2', async (context) => {
    place = installation(QUICK);
    const alone = mkdtempSync(join(tmpdir(), 'daruma-alone-'));
    clean.push(() => rmSync(alone, { recursive: true }));
    mkdirSync(join(alone, 'dist'));
    cpSync(fileURLToPath(new URL('../../dist', import.meta.url)), join(alone, 'dist'), { recursive: true });
    writeFileSync(join(alone, 'package.json'), '{ "type": "module" }');
    const said = await old(join(alone, 'dist/main.js'), 'start', '--dir', place.folder);
    if (said.code === 0) context.skip('NOT TRIED: there is no older Node on this machine');
    expect(said.code).toBe(2);
    expect(said.stderr).toContain('Daruma needs Node 26 or newer');
    expect(said.stderr).toContain('npm install node@26');
  });
});

/** Returns what it was. */
function setSchema(file: string, schema: number): number {
  const db = new DatabaseSync(file);
  const before = Object.values(db.prepare('PRAGMA user_version').get()!)[0] as number;
  db.exec(`PRAGMA user_version = ${schema}`);
  db.close();
  return before;
}
