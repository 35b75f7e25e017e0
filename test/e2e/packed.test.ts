import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processesOf } from './installation.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

/** The shell of a person: the machine's own Node, however old, and nothing of the npm that runs the tests. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE)/.test(name))),
  PATH: process.env
    .PATH!.split(delimiter)
    .filter((folder) => !folder.endsWith('node_modules/.bin'))
    .join(delimiter),
  NO_COLOR: '1',
};

/** What a command came to; its failure is an answer as well. */
async function run(command: string, cwd: string) {
  try {
    const { stdout, stderr } = await exec('sh', ['-c', command], { cwd, env });
    return { code: 0, out: stdout, err: stderr };
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

let folder: string;
let ops: string;
let host: ChildProcess | undefined;
let ended: Promise<unknown>;
let banner = '';

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-packed-')));
  await run(`npm pack --ignore-scripts --pack-destination ${folder}`, ROOT);
});
afterAll(async () => {
  if (host?.exitCode === null && host.signalCode === null) host.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

describe('the tarball', () => {
  it('installs where only npm and the machine’s own Node are, and makes an installation there', async () => {
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
    const one = join(folder, 'one');
    mkdirSync(one);
    expect(await run(`npm i --prefer-offline ../${tarball}`, one)).toMatchObject({ code: 0 });
    const made = await run('npx daruma init app', one);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toContain('→ cd app && npm install && npm start');
  });

  it('makes the same package as the checkout does, byte for byte', async () => {
    await run(`${process.execPath} ${join(ROOT, 'dist/main.js')} init two`, folder);
    const [one, two] = ['one/app', 'two'].map((made) => join(folder, made, 'vendor'));
    const [name] = readdirSync(one!);
    expect(readFileSync(join(two!, name!)).equals(readFileSync(join(one!, name!)))).toBe(true);
  });
});

describe('an installation of one’s own, moved to where nothing else is', () => {
  it('installs without a wall of warnings, and starts', async () => {
    ops = join(folder, 'ops');
    renameSync(join(folder, 'one/app'), ops);
    rmSync(join(folder, 'one'), { recursive: true });
    const installed = await run('npm install --prefer-offline', ops);
    expect(installed).toMatchObject({ code: 0, err: '' });

    host = spawn('npm', ['start'], { cwd: ops, env, stdio: ['ignore', 'pipe', 'inherit'] });
    ended = new Promise((resolve) => host!.once('exit', resolve));
    await new Promise<void>((resolve, reject) => {
      host!.stdout!.on('data', (text) => {
        banner += text;
        if (banner.includes('ready in')) resolve();
      });
      host!.once('exit', (code) => reject(new Error(`npm start ended with ${code}: ${banner}`)));
    });
    expect(banner).toMatch(/next +npx daruma status · npx daruma run [\w-]+ --wait · npx daruma logs -f/);
  });

  it('does real work', async () => {
    for (const agent of ['disk-space', 'api-health', 'status-post', 'backup', 'daily-report']) {
      const { out } = await run(`npx daruma run ${agent} --wait --json`, ops);
      expect(JSON.parse(out)).toMatchObject({ agent, state: 'done' });
    }
    expect(readdirSync(join(ops, 'backups')).filter((name) => name.endsWith('.tar.gz')).length).toBeGreaterThan(0);
    expect(readdirSync(join(ops, 'reports'))).toContain('latest.html');
    expect(existsSync(join(ops, 'posts/status.md'))).toBe(true);
  });

  it('stops, and leaves no process behind', async () => {
    expect(await run('npx daruma stop', ops)).toMatchObject({ code: 0 });
    await ended;
    expect(processesOf(ops)).toEqual([]);
  });
});

it('npm ci in a checkout warns of no engine', async () => {
  // What would be installed is worked out, and nothing is: that is when npm warns.
  const checkout = join(folder, 'checkout');
  mkdirSync(checkout);
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    await run(`cp ${join(ROOT, file)} ${checkout}`, ROOT);
  }
  const planned = await run('npm ci --dry-run --prefer-offline --ignore-scripts', checkout);
  expect(planned).toMatchObject({ code: 0, err: '' });
});
