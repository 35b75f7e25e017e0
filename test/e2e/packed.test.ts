import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processesOf } from './installation.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

/** The shell of a person: the machine's own Node, however old, and nothing of the npm that runs the tests. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE|DARUMA_)/.test(name))),
  PATH: process.env
    .PATH!.split(delimiter)
    .filter((folder) => !folder.endsWith('node_modules/.bin'))
    .join(delimiter),
  NO_COLOR: '1',
};

/** Folders in which npx has found the command, which is then run from where it lies: npx takes 0.4 s of a core to find it. */
const foundIn = new Set<string>();

function withoutNpx(command: string, cwd: string): string {
  if (!command.startsWith('npx daruma ') || !foundIn.has(cwd)) return command;
  return command.replace('npx daruma', commandAbove(cwd));
}

/** The command of the nearest package above, as npx finds it: an installation within another needs none of its own. */
function commandAbove(cwd: string): string {
  const command = join(cwd, 'node_modules/.bin/daruma');
  return existsSync(command) || dirname(cwd) === cwd ? command : commandAbove(dirname(cwd));
}

/** What a command came to; its failure is an answer as well. */
async function run(command: string, cwd: string) {
  try {
    const { stdout, stderr } = await exec('sh', ['-c', withoutNpx(command, cwd)], { cwd, env });
    if (command.startsWith('npx daruma ')) foundIn.add(cwd);
    return { code: 0, out: stdout, err: stderr };
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

/** The pages of the first minutes. A new user types what stands in them, in this order, in a second terminal. */
const FIRST_PAGES = ['README.md', 'docs/start-operator.md', 'docs/start-author.md'];

/** What each command of those pages is to say. Nothing else may stand there. */
const SAYS: Record<string, RegExp> = {
  'npx daruma open': /^http:\/\/127\.0\.0\.1:\d+\/login\?code=\S+\n/,
  'npx daruma status': /✓ +disk-space +ok/,
  'npx daruma demo leak': /same job ran on a clean worker/,
  'npx daruma run disk-space --wait': /✓ ok in .* · result/,
  'npx daruma logs -f': /INFO/,
  'npx daruma why backup --at 02:00': /it first runs at|was due at/,
  'npx daruma incidents --drills': /drill-leak/,
  'npx daruma doctor': /fences/,
  'npx daruma check': /nothing wrong/,
  'npx daruma service install --dry-run': /Type=notify/,
  'npx daruma new hello --schedule "*/5 * * * *"': /plugins\/hello\.test\.ts[\s\S]*next run in/,
  'npx daruma run hello --wait': /✓ ok in .* · result \{"said":"hello"\}/,
  'npx daruma next hello': /Every 5 minutes/,
  'npx daruma logs hello -f': /INFO +hello/,
  'npx daruma versions hello': /hello runs it/,
  'npx daruma learn hello --yes': /needs of the plugin cover all that it used/,
  'npx daruma secrets': /no agent declares a secret/,
};

/** Commands of those pages that have a test of their own: twelve drills, a host in the terminal, vitest, another folder. */
const ELSEWHERE = ['npx daruma drill', 'npx daruma dev', 'npx daruma test hello'];

/** What a command that goes on says until it has said that; it is ended with all that it started. */
async function said(command: string, what: RegExp, cwd: string): Promise<string> {
  const child = spawn('sh', ['-c', withoutNpx(command, cwd)], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const over = new Promise((resolve) => child.once('exit', resolve));
  let out = '';
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (text) => {
      out += text;
      if (what.test(out)) resolve();
    });
    over.then(() => resolve());
  });
  if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL');
  await over;
  return out;
}

let folder: string;
let ops: string;
let back: string;
let host: ChildProcess | undefined;
let ended: Promise<unknown>;

async function stopped(cwd: string) {
  expect(await run('npx daruma stop', cwd)).toMatchObject({ code: 0 });
  await ended;
  expect(processesOf(cwd)).toEqual([]);
}

/** `npm start`; resolves with what it said once the host works. */
async function npmStart(cwd: string): Promise<string> {
  let said = '';
  const npm = spawn('npm', ['start'], { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
  host = npm;
  ended = new Promise((resolve) => npm.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    npm.stdout.on('data', (text) => {
      said += text;
      if (said.includes('ready in')) resolve();
    });
    npm.once('exit', (code) => reject(new Error(`npm start ended with ${code}: ${said}`)));
  });
  return said;
}

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

describe('an installation of one’s own', () => {
  it('starts, does real work, and stops', async () => {
    ops = join(folder, 'one/app');
    await npmStart(ops);
    for (const agent of ['disk-space', 'api-health', 'status-post', 'backup', 'performance-report']) {
      const { out } = await run(`npx daruma run ${agent} --wait --json`, ops);
      expect(JSON.parse(out)).toMatchObject({ agent, state: 'done', failures: [] });
    }
    expect(readdirSync(join(ops, 'reports'))).toContain('latest.html');
    expect(existsSync(join(ops, 'posts/status.md'))).toBe(true);
    await stopped(ops);
  });
});

describe('a machine that has nothing but an archive of it', () => {
  it('is given all that npm needs, without a wall of warnings', async () => {
    const name = readdirSync(join(ops, 'backups'))
      .filter((file) => file.endsWith('.tar.zst'))
      .sort()
      .at(-1);
    const archive = join(folder, name!);
    renameSync(join(ops, 'backups', name!), archive);
    back = join(folder, 'back');
    const restored = await run(`npx daruma backup restore ${archive} ${back} --install --json`, ops);
    expect(restored).toMatchObject({ code: 0, err: expect.not.stringContaining('warn') });
    expect(JSON.parse(restored.out)).toMatchObject({
      folder: back,
      aside: null,
      packages: [{ name: 'daruma', installed: true }],
      secrets: [],
    });
    rmSync(join(folder, 'one'), { recursive: true });
  });

  it('has the whole guide beside it, with no link that leads nowhere', () => {
    const guide = join(back, 'node_modules/daruma/docs');
    const pages = ['AGENTS.md', 'README.md', 'plugins/README.md', 'node_modules/daruma/README.md'];
    const inGuide = globSync('*.md', { cwd: guide }).map((page) => join('node_modules/daruma/docs', page));
    expect(inGuide).toHaveLength(globSync('docs/*.md', { cwd: ROOT }).length);
    // What is attacked by which test is for those who have the sources.
    const forUsers = [...pages, ...inGuide].filter((page) => !page.endsWith('docs/reliability.md'));
    const dead = forUsers.flatMap((page) => {
      const links = readFileSync(join(back, page), 'utf8').matchAll(/\]\((?!\w+:)([^)#\s]+)/g);
      return [...links]
        .filter(([, to]) => !existsSync(join(back, dirname(page), to!)))
        .map(([, to]) => `${page}: ${to}`);
    });
    expect(dead).toEqual([]);
  });

  it('comes back to work, and says what to type there', async () => {
    const banner = await npmStart(back);
    expect(banner).toMatch(/next +npx daruma status · npx daruma run [\w-]+ --wait · npx daruma logs -f/);
    const { out } = await run('npx daruma run disk-space --wait --json', back);
    expect(JSON.parse(out)).toMatchObject({ state: 'done' });
    // The job that made the backup was running in the copy: it is over, and is not run again.
    const ask = async (): Promise<{ state: string; attempt: number }[]> =>
      JSON.parse((await run('npx daruma jobs backup --json', back)).out);
    let jobs = await ask();
    // The first backup of this installation may still be under way.
    while (jobs.some(({ state }) => state === 'queued' || state === 'running')) jobs = await ask();
    expect(jobs.length).toBeGreaterThan(0);
    expect(jobs.filter(({ state, attempt }) => state !== 'done' || attempt !== 1)).toEqual([]);
  });

  it('does all that the pages of the first minutes have a new user type', async () => {
    const typed = FIRST_PAGES.flatMap((page) => {
      const found = readFileSync(join(ROOT, page), 'utf8').matchAll(/^(npx daruma [^#\n]*?) *(#.*)?$/gm);
      return [...found].map(([, command]) => command!);
    });
    const commands = [...new Set(typed)].filter((command) => !ELSEWHERE.includes(command));
    expect(commands).toEqual(Object.keys(SAYS));
    for (const [command, what] of Object.entries(SAYS)) {
      if (command.endsWith('-f')) {
        expect(await said(command, what, back)).toMatch(what);
        continue;
      }
      const { code, out } = await run(command, back);
      expect({ command, code, out }).toEqual({ command, code: 0, out: expect.stringMatching(what) });
    }
    await stopped(back);
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
