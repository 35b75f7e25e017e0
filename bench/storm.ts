/**
 * A storm of incidents on a real host: as many agents crash at once as are asked for, while two agents listen to `incident.opened`, one
 * of them paused, and the host is killed in the middle. Counts what came of it: incidents, jobs of each listener, twice told events.
 *
 *   npm run build && npx tsx bench/storm.ts [agents]
 *
 * Writes bench/results/storm.json. Ends with 1 when an incident or a job is missing, or there twice.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ControlClient } from '../src/control/client.ts';
import { connectHost } from '../src/control/own-host.ts';
import { machineTime } from '../src/kernel/time.ts';
import { machineFacts, median } from './machine.ts';

const AGENTS = Number(process.argv[2] ?? 1_000);
const WITHIN_MS = 900_000;
const MAIN = join(import.meta.dirname, '../dist/main.js');
const plugin = (options: string, body: string) =>
  `import { definePlugin } from 'daruma';\nexport default definePlugin({ about: 'Of a storm.', ${options}\n  async run({ job }) { ${body} },\n});\n`;

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-storm-')));
let host: ChildProcess | undefined;
try {
  for (const name of ['plugins', 'agents', 'config']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'config/daruma.yaml'), 'web: false\n');
  const crash = `setTimeout(() => { throw new Error('a storm'); }); await new Promise(() => {});`;
  writeFileSync(join(folder, 'plugins/crash.ts'), plugin('limits: { attempts: 1 },', crash));
  for (const name of ['pager', 'clerk']) {
    writeFileSync(
      join(folder, `plugins/${name}.ts`),
      plugin(`on: ['incident.opened'],`, 'return job.input.data.incident;'),
    );
  }
  const names = Array.from({ length: AGENTS }, (_, at) => `crash-${String(at).padStart(4, '0')}`);
  for (const name of names) writeFileSync(join(folder, `agents/${name}.yaml`), 'plugin: crash\n');
  console.log(await storm(names));
} finally {
  host?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

async function storm(names: readonly string[]) {
  const startedMs = await startHost();
  let client = await connected();
  await client.ask('pause', { agent: 'clerk' });
  const begun = performance.now();
  for (const agent of names) await client.ask('run', { agent });
  const queuedMs = performance.now() - begun;
  const answers: number[] = [];
  await until(
    () => openedNow(client, answers),
    (opened) => opened >= AGENTS / 2,
  );
  host!.kill('SIGKILL');
  client.close();
  await new Promise((resolve) => host!.once('exit', resolve));
  await startHost();
  client = await connected();
  // A run that the kill cut off has not crashed: its agent is run once more.
  let cutOff = 0;
  for (;;) {
    await until(
      () => openedNow(client, answers),
      () => unfinished() === 0,
    );
    const opened = new Set(rows('SELECT DISTINCT agent FROM incident').map(({ agent }) => agent));
    const missing = names.filter((name) => !opened.has(name));
    if (missing.length === 0) break;
    cutOff += missing.length;
    for (const agent of missing) await client.ask('run', { agent });
  }
  const openedMs = performance.now() - begun;
  const of = { pager: heard('pager'), clerk: heard('clerk') };
  console.log('opened', of);
  await client.ask('resume', { agent: 'clerk' });
  // The lost host is one incident more.
  const all = rows('SELECT count(*) AS n FROM incident')[0]!.n as number;
  await until(
    async () => ['pager', 'clerk'].map(heard),
    (two) => two.every(({ done }) => done >= all),
  );
  const settledMs = performance.now() - begun;
  const rssMb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${host!.pid}/status`, 'utf8'))![1]) / 1_024;
  const health = await client.ask('health', {});
  const listeners = { pager: heard('pager'), clerk: heard('clerk') };
  const left = rows(
    "SELECT agent, state, count(*) AS n FROM job WHERE state NOT IN ('done', 'dead', 'cancelled') GROUP BY 1, 2",
  );
  client.close();
  const ms = { started: startedMs, queued: queuedMs, opened: openedMs, settled: settledMs };
  const result = {
    machine: machineFacts(),
    agents: AGENTS,
    cutOff,
    ms: Object.fromEntries(Object.entries(ms).map(([name, took]) => [name, Math.round(took)])),
    answerMs: { median: Math.round(median(answers)), most: Math.round(Math.max(...answers)) },
    hostRssMb: Math.round(rssMb),
    health: [...new Set(health.reasons.map(({ code }) => code))],
    incidents: rows('SELECT verdict, count(*) AS n, count(DISTINCT agent) AS agents FROM incident GROUP BY 1').map(
      (one) => ({ ...one }),
    ),
    listeners,
    left,
  };
  writeFileSync(join(import.meta.dirname, 'results/storm.json'), `${JSON.stringify(result, null, 2)}\n`);
  for (const { incidents, twice } of Object.values(listeners)) if (incidents !== all || twice > 0) process.exitCode = 1;
  return result;
}

async function startHost(): Promise<number> {
  const begun = performance.now();
  host = spawn(process.execPath, [MAIN, 'host', '--dir', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve) => {
    let said = '';
    host!.stdout!.on('data', (text) => {
      said += text;
      if (said.includes('ready in')) resolve();
    });
  });
  return performance.now() - begun;
}

function connected(): Promise<ControlClient> {
  return connectHost(folder, machineTime, 'bench');
}

/** Incidents that were opened so far; the time of an answer of `status` beside. */
async function openedNow(client: ControlClient, answers: number[]): Promise<number> {
  const begun = performance.now();
  await client.ask('status', {});
  answers.push(performance.now() - begun);
  return rows("SELECT count(DISTINCT agent) AS n FROM incident WHERE agent LIKE 'crash-%'")[0]!.n as number;
}

/** Runs of the agents that crash which have not ended. */
function unfinished(): number {
  const open =
    "SELECT count(*) AS n FROM job WHERE agent LIKE 'crash-%' AND state NOT IN ('done', 'dead', 'cancelled')";
  return rows(open)[0]!.n as number;
}

/** Jobs of an agent, the incidents that they tell, and incidents that two of them tell. */
function heard(agent: string) {
  const [found] = rows(`
    SELECT count(*) AS jobs, count(DISTINCT json_extract(input, '$.data.incident')) AS incidents,
      sum(state = 'done') AS done FROM job WHERE agent = '${agent}'`);
  const { jobs, incidents, done } = found as Record<'jobs' | 'incidents' | 'done', number>;
  return { jobs, incidents, twice: jobs - incidents, done };
}

function rows(sql: string) {
  const store = new DatabaseSync(join(folder, 'data/daruma.db'), { readOnly: true });
  try {
    return store.prepare(sql).all();
  } finally {
    store.close();
  }
}

async function until<T>(what: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const value = await what();
    if (holds(value)) return value;
    if (performance.now() > deadline) throw new Error(`it did not come true: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
