/**
 * The cost of a start, beside another build of Daruma: imports and memory of the host with the agents of a new
 * installation, the first job on a cold worker, and the bytes of a version. The two take turns, so that both meet the
 * same noise.
 *
 *   npm run build && node bench/start-up.ts <folder of the other checkout, built> [rounds]
 *
 * Writes bench/results/start-up.json.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineFacts, median } from './machine.ts';

const [other, rounds = '5'] = process.argv.slice(2);
if (!other) throw new Error('name the folder of the other checkout');
const CHECKOUTS = { before: other, after: join(import.meta.dirname, '..') };
const SETTLE_MS = 3_000;
/** Where a host begins: the room had another name once. */
const HOSTS = ['host/lifecycle/run.js', 'host/life/run.js'];

interface Cost {
  importMs: number;
  importMb: number;
  hostRssMb: number;
  readyMs: number;
  firstJobMs: number;
  secondJobMs: number;
  statusMs: number;
  versionBytes: number[];
}

function imports(checkout: string): Pick<Cost, 'importMs' | 'importMb'> {
  const file = HOSTS.map((path) => join(checkout, 'dist', path)).find(existsSync);
  const script = `const [at, rss] = [performance.now(), process.memoryUsage.rss()];
    await import(${JSON.stringify(file)});
    console.log(JSON.stringify({ importMs: performance.now() - at, importMb: (process.memoryUsage.rss() - rss) / 2 ** 20 }));`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

/** A host on a folder that it knows; nothing is compiled. */
async function atWork(checkout: string, folder: string): Promise<Omit<Cost, 'importMs' | 'importMb' | 'versionBytes'>> {
  const main = join(checkout, 'dist/main.js');
  // `status` ends with 3 while a new installation has something for its owner to do.
  const daruma = (...args: string[]) =>
    spawnSync(process.execPath, [main, ...args, '--json'], { cwd: folder, encoding: 'utf8' }).stdout;
  const begun = performance.now();
  const host = spawn(process.execPath, [main, 'host', '--dir', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => host.once('exit', resolve));
  await new Promise<void>((resolve) => {
    let printed = '';
    host.stdout.on('data', (text) => {
      printed += text;
      if (printed.includes('ready in')) resolve();
    });
  });
  const readyMs = performance.now() - begun;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const status = readFileSync(`/proc/${host.pid}/status`, 'utf8');
  const hostRssMb = Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
  const waited = () => {
    const job = JSON.parse(daruma('run', 'post-file', '--input', '{"text":"x"}', '--wait')) as Record<string, string>;
    return Date.parse(job.startedAt!) - Date.parse(job.queuedAt!);
  };
  const [firstJobMs, secondJobMs] = [waited(), waited()];
  const asked = performance.now();
  daruma('status');
  const statusMs = performance.now() - asked;
  host.kill('SIGTERM');
  await ended;
  return { readyMs, hostRssMb, firstJobMs, secondJobMs, statusMs };
}

function versionsIn(folder: string): number[] {
  const versions = join(folder, 'data/versions');
  return readdirSync(versions, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('plugin.mjs'))
    .map((path) => statSync(join(versions, path)).size);
}

const root = mkdtempSync(join(tmpdir(), 'daruma-bench-'));
const raw: Record<string, Cost[]> = { before: [], after: [] };
const folders = Object.entries(CHECKOUTS).map(([name, checkout]) => {
  const folder = join(root, name);
  execFileSync(process.execPath, [join(checkout, 'dist/main.js'), 'init', folder], { stdio: 'ignore' });
  return { name, checkout, folder };
});
try {
  // The first start compiles.
  for (const { checkout, folder } of folders) await atWork(checkout, folder);
  for (let round = 0; round < Number(rounds); round++) {
    for (const { name, checkout, folder } of folders) {
      const cost = { ...imports(checkout), ...(await atWork(checkout, folder)), versionBytes: versionsIn(folder) };
      raw[name]!.push(cost);
    }
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}

const FIGURES = ['importMs', 'importMb', 'readyMs', 'hostRssMb', 'firstJobMs', 'secondJobMs', 'statusMs'] as const;
const medians = Object.fromEntries(
  Object.entries(raw).map(([name, costs]) => [
    name,
    {
      ...Object.fromEntries(
        FIGURES.map((figure) => [figure, Math.round(median(costs.map((cost) => cost[figure])) * 10) / 10]),
      ),
      versionBytes: median(costs[0]!.versionBytes),
    },
  ]),
);
console.table(medians);
const result = { machine: machineFacts(), rounds: Number(rounds), medians, raw };
writeFileSync(join(import.meta.dirname, 'results/start-up.json'), `${JSON.stringify(result, null, 2)}\n`);
