/**
 * First contact: `npx tsx bench/first-contact.ts [rounds]`. Times from the outside, on the compiled code of `dist/`: start until the
 * banner on a new folder (plugins are compiled) and on a known one, `status` on the command line, and the size of a
 * production install. Writes bench/results/first-contact.json.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineFacts, median } from './machine.ts';

const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'dist/main.js');
const rounds = Number(process.argv[2] ?? 5);

function folderOfOnesOwn(): string {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-bench-'));
  for (const part of ['plugins', 'agents', 'config']) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  return folder;
}

/** Starts, waits for the words, asks for status a few times, stops. */
async function start(folder: string, words: RegExp) {
  const begun = performance.now();
  const host = spawn(process.execPath, [MAIN, 'start', '--dir', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => host.once('exit', resolve));
  const tookMs = await new Promise<number>((resolve) => {
    let said = '';
    host.stdout.on('data', (text) => {
      said += text;
      if (words.test(said)) resolve(performance.now() - begun);
    });
  });
  while (!asked(folder)) await new Promise((resolve) => setTimeout(resolve, 50));
  const statusMs = Array.from({ length: 5 }, () => asked(folder));
  host.kill('SIGTERM');
  await ended;
  return { tookMs, statusMs: median(statusMs) };
}

/** How long `status` took; 0 while the host does not answer yet. */
function asked(folder: string): number {
  const begun = performance.now();
  try {
    execFileSync(process.execPath, [MAIN, 'status', '--json', '--dir', folder], { stdio: 'ignore' });
  } catch (error) {
    if ((error as { status?: number }).status === 4) return 0;
  }
  return performance.now() - begun;
}

const first: number[] = [];
const ready: number[] = [];
const again: number[] = [];
const status: number[] = [];
for (let round = 0; round < rounds; round++) {
  const folder = folderOfOnesOwn();
  first.push((await start(folder, /plugins found|ready in/)).tookMs);
  rmSync(join(folder, 'data'), { recursive: true });
  ready.push((await start(folder, /ready in/)).tookMs);
  const warm = await start(folder, /ready in/);
  again.push(warm.tookMs);
  status.push(warm.statusMs);
  rmSync(folder, { recursive: true });
}

const install = mkdtempSync(join(tmpdir(), 'daruma-bench-'));
const tarball = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', install], {
  cwd: ROOT,
  encoding: 'utf8',
});
writeFileSync(
  join(install, 'package.json'),
  JSON.stringify({ private: true, dependencies: { daruma: `file:./${tarball.trim()}` } }),
);
execFileSync('npm', ['install', '--omit=dev', '--ignore-scripts', '--silent'], { cwd: install });
const megabytes = Number(
  execFileSync('du', ['-sm', join(install, 'node_modules')], { encoding: 'utf8' }).split('\t')[0],
);
const packages = readdirSync(
  join(install, 'node_modules/.package-lock.json').replace('/.package-lock.json', ''),
).length;
rmSync(install, { recursive: true });

const result = {
  machine: machineFacts(),
  rounds,
  firstWordsMs: median(first),
  readyOnNewFolderMs: median(ready),
  readyOnKnownFolderMs: median(again),
  statusMs: median(status),
  install: { megabytes, entries: packages },
  raw: { first, ready, again, status },
};
mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
writeFileSync(join(import.meta.dirname, 'results/first-contact.json'), `${JSON.stringify(result, null, 2)}\n`);
console.table({
  'start → first words, new folder (ms)': result.firstWordsMs,
  'start → all at work, new folder (ms)': result.readyOnNewFolderMs,
  'start → all at work, known folder (ms)': result.readyOnKnownFolderMs,
  'status (ms)': result.statusMs,
  'production install (MB)': megabytes,
});
