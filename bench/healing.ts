/**
 * The same faults in Daruma and in PM2, in turns: how long until it is seen and the work goes on.
 *
 *   npm run build && npm install --prefix bench && npx tsx bench/healing.ts [rounds]
 *
 * Daruma: `daruma drill` in an installation of its own. PM2: an app that fails the same way; repaired means that a new
 * instance has started (its work is lost). Each fault is watched for 45 s at most. Writes bench/results/healing.json.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { machineFacts, median } from './machine.ts';

const run = promisify(execFile);
const HERE = import.meta.dirname;
const MAIN = join(HERE, '../dist/main.js');
const PM2 = join(HERE, 'node_modules/.bin/pm2');
const rounds = Number(process.argv[2] ?? 3);
const WATCHED_MS = 45_000;
const DRILLS = ['crash', 'buffers', 'hang', 'silence', 'native', 'children', 'host'];

interface Found {
  repairMs: number | null;
  note?: string;
}

async function daruma(): Promise<Record<string, Found>> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-healing-'));
  for (const part of ['plugins', 'agents', 'config']) mkdirSync(join(folder, part));
  const host: ChildProcess = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => host.once('exit', resolve));
  await new Promise((resolve) => host.stdout!.once('data', resolve));
  const found: Record<string, Found> = {};
  try {
    const { stdout } = await run(process.execPath, [MAIN, 'drill', ...DRILLS, '--json', '--dir', folder]).catch(
      (error) => error,
    );
    for (const { name, repairMs, seen } of JSON.parse(stdout)) found[name] = { repairMs, note: seen ?? undefined };
  } finally {
    host.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
  return found;
}

async function pm2(fault: string): Promise<Found> {
  const home = mkdtempSync(join(tmpdir(), 'bench-pm2-'));
  const ledger = join(home, 'ledger');
  writeFileSync(ledger, '');
  const env = { ...process.env, PM2_HOME: home };
  const lines = () =>
    readFileSync(ledger, 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
  const at = (what: string, nth = 0) => Number(lines().filter(([name]) => name === what)[nth]?.[1] ?? Number.NaN);
  try {
    await run(
      PM2,
      ['start', join(HERE, 'systems/pm2-app.mjs'), '--max-memory-restart', '200M', '--', ledger, fault, '200'],
      { env },
    );
    await until(() => !Number.isNaN(at('fault')), WATCHED_MS);
    if (fault === 'children') {
      await until(() => !Number.isNaN(at('start', 1)), 10_000);
      const pids = lines().flatMap(([name]) => (name?.startsWith('child:') ? [Number(name.slice(6))] : []));
      const alive = pids.filter((pid) => existsSync(`/proc/${pid}`));
      for (const pid of alive) process.kill(pid, 'SIGKILL');
      return { repairMs: null, note: `${alive.length} of ${pids.length} children alive` };
    }
    const repaired = await until(() => !Number.isNaN(at('start', 1)), WATCHED_MS);
    const peak = Math.max(
      ...lines()
        .filter(([name]) => name === 'memory')
        .map((line) => Number(line[3])),
      0,
    );
    return {
      repairMs: repaired ? at('start', 1) - at('fault') : null,
      ...(peak ? { note: `peak ${Math.round(peak / 1024 ** 2)} MB` } : {}),
    };
  } finally {
    await run(PM2, ['kill'], { env }).catch(() => {});
    rmSync(home, { recursive: true, force: true });
  }
}

async function until(holds: () => boolean, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    if (holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

const FAULTS: [drill: string, pm2Fault: string | null][] = [
  ['crash', 'crash'],
  ['buffers', 'buffers'],
  ['hang', 'spin'],
  ['silence', 'silence'],
  ['native', null],
  ['children', 'children'],
  ['host', null],
];
const raw: Record<string, { daruma: Found[]; pm2: Found[] }> = Object.fromEntries(
  FAULTS.map(([name]) => [name, { daruma: [], pm2: [] }]),
);
for (let round = 1; round <= rounds; round++) {
  const own = await daruma();
  for (const [name, fault] of FAULTS) {
    raw[name]!.daruma.push(own[name] ?? { repairMs: null });
    // What never ends is watched once, not in each round.
    const isKnown = raw[name]!.pm2.some(({ repairMs }) => repairMs === null);
    if (fault && !isKnown) raw[name]!.pm2.push(await pm2(fault));
    console.log(
      `round ${round}  ${name.padEnd(9)} Daruma ${own[name]?.repairMs} ms   PM2 ${JSON.stringify(raw[name]!.pm2.at(-1) ?? 'not tried')}`,
    );
  }
}
const words = (list: Found[]) => {
  const times = list.flatMap(({ repairMs }) => (repairMs === null ? [] : [repairMs]));
  const notes = [...new Set(list.flatMap(({ note }) => note ?? []))].join(', ');
  if (list.length === 0) return 'not tried';
  return `${times.length === list.length ? `${Math.round(median(times))} ms` : `not within ${WATCHED_MS / 1000} s`}${notes ? ` (${notes})` : ''}`;
};
const table = FAULTS.map(([name]) => ({
  fault: name,
  Daruma: words(raw[name]!.daruma),
  'PM2 7': words(raw[name]!.pm2),
}));
mkdirSync(join(HERE, 'results'), { recursive: true });
writeFileSync(
  join(HERE, 'results/healing.json'),
  `${JSON.stringify({ machine: machineFacts(), rounds, table, raw }, null, 2)}\n`,
);
console.table(table);
