/**
 * Reloads under load: one agent takes 500 jobs a second while its plugin is saved again and again, each time as another
 * version. Every run writes its job, its version's mark and its time into a file; afterwards that file, the store's jobs
 * and the kept versions are compared: jobs lost, run twice, run on another version than the one on record. Then versions
 * that fail are saved, and the time from the decision to roll back to the next run on the good one is taken.
 * The host is a process of its own; its memory and that of its cells is read from the system. Writes
 * bench/results/reload.json.
 *
 *     npx tsx bench/reload.ts [reloads] [jobs a second] [rollbacks]
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectControl } from '../src/control/client.ts';
import type { JobView } from '../src/control/protocol.ts';
import { machineFacts, median } from './machine.ts';

const reloads = Number(process.argv[2] ?? 200);
const perSecond = Number(process.argv[3] ?? 500);
const rollbacks = Number(process.argv[4] ?? 20);
/** Memory is compared from here on: before it, pools and heaps are still filling up. */
const WARM = Math.floor(reloads / 4);
const WITHIN_MS = 30_000;
/** The store's caches fill with its jobs, reloads or not. */
const LOAD_FIRST_MS = 20_000;

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-bench-')));
for (const name of ['plugins', 'agents', 'config', 'out']) mkdirSync(join(folder, name));
const ranFile = join(folder, 'out/ran.txt');

function save(mark: string, fails = false) {
  const end = fails ? `throw new Error('${mark} is bad');` : `return '${mark}';`;
  writeFileSync(
    join(folder, 'plugins/busy.ts'),
    `import { appendFileSync } from 'node:fs';
import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Notes that it ran.',
  needs: { write: ['out'] },
  limits: { attempts: 5, backoff: { first: '100ms', longest: '1s' } },
  workers: { min: 1, max: 2 },
  async run({ job, folder }) {
    const begun = Date.now();
    const mark = '${mark}';
    await new Promise((resolve) => setImmediate(resolve));
    appendFileSync(\`\${folder}/out/ran.txt\`, \`\${job.id} \${job.attempt} \${mark} \${begun}\\n\`);
    ${end}
  },
});
`,
  );
}

/** What was run: job, attempt, mark, begun. Reads on from where it was. */
function runsReader() {
  let read = 0;
  let rest = '';
  const runs: { job: string; attempt: number; mark: string; begun: number }[] = [];
  const first = new Map<string, number>();
  return {
    runs,
    first,
    look() {
      const bytes = readFileSync(ranFile);
      const text = rest + bytes.subarray(read).toString();
      read = bytes.length;
      const lines = text.split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const [job, attempt, mark, begun] = line.split(' ') as [string, string, string, string];
        runs.push({ job, attempt: Number(attempt), mark, begun: Number(begun) });
        if (!first.has(mark)) first.set(mark, Number(begun));
      }
    },
  };
}

async function until(what: string, holds: () => boolean | Promise<boolean>) {
  const deadline = performance.now() + WITHIN_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
}

function rssOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

function cellsOf(host: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      if (!/^\d+$/.test(name)) return [];
      const parent = Number(/^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))![1]);
      return parent === host && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('cell') ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

save('v0');
writeFileSync(ranFile, '');
const main = new URL('../dist/main.js', import.meta.url).pathname;
const host = spawn(process.execPath, [main, 'host', '--dir', folder, '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const hostEnded = new Promise((resolve) => host.once('exit', resolve));
const ready = await new Promise<{ pid: number; socket: string }>((resolve, reject) => {
  host.stdout.once('data', (text) => resolve(JSON.parse(String(text).split('\n')[0]!)));
  host.once('exit', () => reject(new Error('the host did not start')));
});
const client = await connectControl(ready.socket);
const reader = runsReader();
const marks = new Map<string, string>();
/** Asked of the catalog alone: what a status reads in the store would be measured along. */
const versions = async () => (await client.ask('versions', { plugin: 'busy' })).versions;
const versionNow = async () => (await versions()).find(({ agents }) => agents.some(({ runs }) => runs))!;

const accepted: string[] = [];
let refused = 0;
let rate = perSecond;
let isLoading = true;
const begunLoad = performance.now();
async function load() {
  let owed = 0;
  let last = performance.now();
  const open = new Set<Promise<void>>();
  while (isLoading) {
    const now = performance.now();
    owed += ((now - last) / 1_000) * rate;
    last = now;
    for (; owed >= 1; owed--) {
      const asked = client.ask('run', { agent: 'busy' }).then(
        ({ id }) => void accepted.push(id),
        () => void refused++,
      );
      open.add(asked);
      void asked.finally(() => open.delete(asked));
    }
    await sleep(5);
  }
  await Promise.all(open);
}

try {
  await until('the first job runs', async () => {
    await client.ask('run', { agent: 'busy' }).then(({ id }) => accepted.push(id));
    reader.look();
    return reader.first.has('v0');
  });
  marks.set((await versionNow()).id, 'v0');
  const loading = load();
  await sleep(LOAD_FIRST_MS);

  const toFirstJob: number[] = [];
  const memory: { host: number; cell: number }[] = [];
  for (let at = 1; at <= reloads; at++) {
    const mark = `v${at}`;
    const saved = Date.now();
    save(mark);
    await until(`${mark} runs`, () => {
      reader.look();
      return reader.first.has(mark);
    });
    toFirstJob.push(reader.first.get(mark)! - saved);
    marks.set((await versionNow()).id, mark);
    memory.push({ host: rssOf(ready.pid), cell: cellsOf(ready.pid).reduce((sum, pid) => sum + rssOf(pid), 0) });
    if (at % 20 === 0)
      process.stderr.write(`${at} reloads, ${accepted.length} jobs, ${JSON.stringify(memory.at(-1))}\n`);
  }
  const loadedMs = performance.now() - begunLoad;
  const loadJobs = accepted.length;

  // Rollbacks, at a lower rate: the newest version has proved itself.
  rate = 100;
  const goodMark = `v${reloads}`;
  await until('the newest version is good', async () => (await versionNow()).standing === 'good');
  const { id: good } = await versionNow();
  const toGood: number[] = [];
  for (let at = 1; at <= rollbacks; at++) {
    save(`bad${at}`, true);
    const before = lastRolledBack();
    await until(`bad${at} is rolled back`, async () => {
      reader.look();
      return reader.first.has(`bad${at}`) && (await versionNow()).id === good;
    });
    await until('the log says so', () => lastRolledBack() !== before);
    const decided = Date.parse(lastRolledBack()!);
    await until('the good one runs', () => {
      reader.look();
      return reader.runs.some(({ mark, begun }) => mark === goodMark && begun >= decided);
    });
    toGood.push(
      Math.min(...reader.runs.flatMap((run) => (run.mark === goodMark && run.begun >= decided ? run.begun : []))) -
        decided,
    );
  }
  isLoading = false;
  await loading;
  await until('all jobs have ended', async () => {
    const left = await client.ask('jobs', { agent: 'busy', states: ['queued', 'running', 'retrying'], limit: 1 });
    return left.length === 0;
  });
  reader.look();

  const jobs = await allJobs();
  const done = jobs.filter(({ state }) => state === 'done');
  const known = new Set(done.map(({ id }) => id));
  const lost = accepted.filter((id) => !known.has(id)).length;
  const runs = reader.runs.filter(({ mark }) => mark.startsWith('v'));
  const timesRun = new Map<string, number>();
  for (const { job } of runs) timesRun.set(job, (timesRun.get(job) ?? 0) + 1);
  const doubled = [...timesRun.values()].filter((times) => times > 1).length;
  const recordOf = new Map(done.map(({ id, version, result }) => [id, { version, result }]));
  const mixed = runs.filter(({ job, mark }) => {
    const record = recordOf.get(job);
    return !record || record.result !== mark || (marks.get(record.version ?? '') ?? mark) !== mark;
  }).length;
  const windowOf = (pick: (one: { host: number; cell: number }) => number) => {
    const warm = memory.slice(WARM).map(pick);
    const part = Math.max(1, Math.floor(warm.length / 3));
    const [first, last] = [warm.slice(0, part), warm.slice(-part)];
    return {
      // Collection makes both swing by some percent: the median of a window says where they were in their swing, too.
      median: growth(median(first), median(last)),
      // What collection leaves.
      lowerEdge: growth(Math.min(...first), Math.min(...last)),
    };
  };
  const result = {
    what: `${reloads} reloads under ${perSecond} jobs a second, then ${rollbacks} rollbacks under 100`,
    ...machineFacts(),
    jobs: accepted.length,
    jobsPerSecond: Math.round(loadJobs / (loadedMs / 1_000)),
    refused,
    lost,
    runTwice: doubled,
    mixedVersions: mixed,
    saveToFirstJobMs: figures(toFirstJob),
    rolledBackToServingMs: figures(toGood),
    deadLetters: jobs.filter(({ state }) => state === 'dead').length,
    memory: { host: windowOf(({ host }) => host), cells: windowOf(({ cell }) => cell) },
  };
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results/reload.json'), `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  isLoading = false;
  client.close();
  host.kill('SIGTERM');
  await hostEnded;
  rmSync(folder, { recursive: true, force: true });
}

async function allJobs(): Promise<JobView[]> {
  const all: JobView[] = [];
  for (;;) {
    const before = all.at(-1)?.id;
    const page = await client.ask('jobs', { agent: 'busy', limit: 1_000, ...(before ? { before } : {}) });
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** When the newest rollback was decided, as the log says. */
function lastRolledBack(): string | undefined {
  const logs = readdirSync(join(folder, 'logs')).filter((name) => name.endsWith('.log') || name.includes('daruma'));
  const lines = logs.flatMap((name) => readFileSync(join(folder, 'logs', name), 'utf8').split('\n'));
  const found = lines
    .filter((line) => line.includes('"event":"version.rolled-back"'))
    .map((line) => JSON.parse(line).time);
  return found.sort().at(-1);
}

function figures(took: readonly number[]) {
  const sorted = took.toSorted((a, b) => a - b);
  return { median: median(took), least: sorted[0], p95: sorted[Math.floor(sorted.length * 0.95)], most: sorted.at(-1) };
}

function growth(first: number, last: number) {
  return { firstMb: mb(first), lastMb: mb(last), percent: Math.round(((last - first) / first) * 1_000) / 10 };
}

function mb(bytes: number): number {
  return Math.round((bytes / 1024 ** 2) * 10) / 10;
}
