import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { processesOf } from './installation.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
/** The tests' own Node first, as `npm start` has it through the package `node`. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, NO_COLOR: '1' };

let folder: string | undefined;
afterEach(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

it('packs into a tarball that installs into a folder of one’s own and does real work there', async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-packed-')));
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT, env });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
  const ops = join(folder, 'ops');
  await run(process.execPath, [join(ROOT, 'dist/main.js'), 'init', ops], { env });
  const manifest = join(ops, 'package.json');
  const said = JSON.parse(readFileSync(manifest, 'utf8'));
  expect(said.scripts.start).toBe('exec daruma start');
  writeFileSync(manifest, JSON.stringify({ ...said, dependencies: { daruma: `file:../${tarball}` } }));
  await run('npm', ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: ops, env });

  const host = spawn('npm', ['start'], { cwd: ops, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => host.once('exit', resolve));
  let banner = '';
  await new Promise<void>((resolve, reject) => {
    host.stdout.on('data', (text) => {
      banner += text;
      if (banner.includes('ready in')) resolve();
    });
    host.once('exit', (code) => reject(new Error(`npm start ended with ${code}: ${banner}`)));
  });
  const daruma = async (...args: string[]) => {
    const { stdout } = await run(join(ops, 'node_modules/.bin/daruma'), [...args, '--json'], { cwd: ops, env });
    return JSON.parse(stdout);
  };
  for (const agent of ['disk-space', 'api-health', 'status-post', 'backup', 'daily-report']) {
    expect(await daruma('run', agent, '--wait')).toMatchObject({ agent, state: 'done' });
  }
  expect(readdirSync(join(ops, 'backups')).filter((name) => name.endsWith('.tar.gz')).length).toBeGreaterThan(0);
  expect(readdirSync(join(ops, 'reports'))).toContain('latest.html');
  expect(existsSync(join(ops, 'posts/status.md'))).toBe(true);
  await daruma('stop');
  await ended;
  expect(processesOf(ops)).toEqual([]);
}, 120_000);
