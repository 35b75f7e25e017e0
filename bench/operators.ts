/**
 * The work of an operator on a host with 1,000 agents: 500 plugins with a schedule of their own and 500 agent files of one plugin,
 * beside twenty agents with a run each five seconds that nobody touches. After each act: how soon the host has taken it, the longest
 * answer of `status` meanwhile, how late the untouched agents were at most, and the memory of the host, at most and 15 s later.
 *
 *   npm run build && npx tsx bench/operators.ts [acts by name, separated by commas; default: all]
 *
 * Writes bench/results/operators.json.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFacts } from './machine.ts';
import { markdown } from './markdown.ts';
import { type DarumaHost, makeInstallation, openDaruma } from './reload/daruma-host.ts';
import { openWorld } from './world.ts';

const HALF = 500;
const STEADY = 20;
const CALM_MS = 15_000;
const LONGEST_MS = 180_000;
const NAMES = process.argv[2]?.split(',');

const source = (about: string, more = '') => `import { definePlugin } from 'daruma';
export default definePlugin({ about: '${about}', ${more} async run() { return Date.now(); } });
`;
const agentFile = (about: string, i: number) => `about: ${about}\nplugin: little\nschedule: "${i % 60} * * * *"\n`;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const world = openWorld('operators');
const { folder } = world;
makeInstallation(folder);
const at = (path: string) => join(folder, path);
const own = (i: number, about: string) => source(about, `schedule: '${i % 60} * * * *',`);
const each = (call: (i: number) => void) => Array.from({ length: HALF }, (_, i) => call(i));

writeFileSync(at('plugins/little.ts'), source('Little.'));
writeFileSync(at('plugins/steady.ts'), source('Steady.'));
for (let i = 0; i < STEADY; i++)
  writeFileSync(at(`agents/steady-${i}.yaml`), 'plugin: steady\nschedule: "*/5 * * * * *"\n');
each((i) => writeFileSync(at(`plugins/own-${i}.ts`), own(i, 'First.')));
each((i) => writeFileSync(at(`agents/little-${i}.yaml`), agentFile('First.', i)));

interface Answer {
  host: { loopLagMs: number };
  agents: { name: string; about: string; state: string; version: string | null }[];
}

/** The agents that were made for the acts, without the steady ones. */
const made = ({ agents }: Answer) => agents.filter(({ name }) => !name.startsWith('steady') && name !== 'little');
const live = (answer: Answer) => made(answer).filter(({ state }) => state !== 'off');
const allSay = (about: string, count: number) => (answer: Answer) =>
  live(answer).filter((agent) => agent.about === about).length === count;
let littleBefore: string | null = null;
const versionOf = (answer: Answer) => answer.agents.find(({ name }) => name === 'little-0')?.version ?? null;

/** What the operator does, and how the host shows that it has taken it. */
const ACTS: Record<string, { act(): void; isTaken(answer: Answer): boolean; leastMs?: number }> = {
  'edit the plugin that 500 agents share': {
    act: () => writeFileSync(at('plugins/little.ts'), source('Little, edited.')),
    isTaken: (answer) => versionOf(answer) !== null && versionOf(answer) !== littleBefore,
  },
  'edit config/daruma.yaml': {
    act: () => {
      mkdirSync(at('config'), { recursive: true });
      writeFileSync(at('config/daruma.yaml'), 'timezone: Europe/Berlin\n');
    },
    isTaken: allSay('First.', 2 * HALF),
    leastMs: 5_000,
  },
  'write all 1,000 files anew, the same': {
    act: () => {
      each((i) => writeFileSync(at(`plugins/own-${i}.ts`), own(i, 'First.')));
      each((i) => writeFileSync(at(`agents/little-${i}.yaml`), agentFile('First.', i)));
      each((i) => utimesSync(at(`plugins/own-${i}.ts`), new Date(), new Date()));
    },
    isTaken: allSay('First.', 2 * HALF),
    leastMs: 5_000,
  },
  'check out another state of all 1,000 files': {
    act: () => {
      each((i) => writeFileSync(at(`plugins/own-${i}.ts`), own(i, 'Second.')));
      each((i) => writeFileSync(at(`agents/little-${i}.yaml`), agentFile('Second.', i)));
    },
    isTaken: allSay('Second.', 2 * HALF),
  },
  'delete 500 plugin files': {
    act: () => each((i) => rmSync(at(`plugins/own-${i}.ts`))),
    isTaken: (answer) => made(answer).length === HALF,
  },
  'drop 1,000 new files in a second': {
    act: () => {
      each((i) => writeFileSync(at(`plugins/own-${i}.ts`), own(i, 'Third.')));
      each((i) => writeFileSync(at(`agents/more-${i}.yaml`), agentFile('Third.', i)));
    },
    isTaken: allSay('Third.', 2 * HALF),
  },
  'move agents/ away for ten seconds': {
    act: () => {
      renameSync(at('agents'), at('agents.old'));
      setTimeout(() => renameSync(at('agents.old'), at('agents')), 10_000);
    },
    isTaken: (answer) => live(answer).length === 3 * HALF,
    leastMs: 12_000,
  },
  'delete a plugin that 1,000 agent files name': {
    act: () => rmSync(at('plugins/little.ts')),
    isTaken: (answer) => made(answer).filter(({ state }) => state === 'off').length === 2 * HALF,
  },
};

const rssMb = (pid: number) =>
  Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 102.4) / 10;

async function ask(host: DarumaHost): Promise<{ answer: Answer; ms: number }> {
  const asked = performance.now();
  const answer = (await host.client.ask('status', {})) as unknown as Answer;
  return { answer, ms: Math.round(performance.now() - asked) };
}

/** Slots of the untouched agents since then: how many, how many that are not done, and the latest. */
async function steady(host: DarumaHost, from: number, to: number) {
  let [slots, open, mostLateMs] = [0, 0, 0];
  for (let i = 0; i < STEADY; i++) {
    const jobs = await host.client.ask('jobs', { agent: `steady-${i}`, limit: 60 });
    for (const { slot, state, result } of jobs) {
      const due = Date.parse(slot ?? '');
      if (!(due >= from && due < to)) continue;
      slots += 1;
      if (state === 'done') mostLateMs = Math.max(mostLateMs, Number(result) - due);
      else open += 1;
    }
  }
  return { slots, open, mostLateMs };
}

async function perform(host: DarumaHost, name: string) {
  const { act, isTaken, leastMs = 0 } = ACTS[name]!;
  const { load1 } = machineFacts();
  const before = await ask(host);
  littleBefore = versionOf(before.answer);
  const mbBefore = rssMb(host.pid);
  const from = Date.now();
  act();
  const actMs = Date.now() - from;
  let [longest, mostMb, takenMs] = [0, mbBefore, null as number | null];
  while (Date.now() - from < LONGEST_MS) {
    const { answer, ms } = await ask(host);
    longest = Math.max(longest, ms);
    mostMb = Math.max(mostMb, rssMb(host.pid));
    if (Date.now() - from >= leastMs && isTaken(answer)) {
      takenMs = Date.now() - from;
      break;
    }
    await sleep(200);
  }
  const to = Date.now();
  await sleep(CALM_MS);
  const { loopLagMs } = (await ask(host)).answer.host;
  const { slots, open, mostLateMs } = await steady(host, from, to);
  return {
    act: name,
    'taken after, ms': takenMs ?? 'not in 3 min',
    'status before, ms': before.ms,
    'status at most, ms': longest,
    'delay of its loop (p99 of a minute), ms': loopLagMs,
    'untouched slots · not run': `${slots} · ${open}`,
    'late at most, ms': mostLateMs,
    'host before, at most, 15 s later, MB': `${mbBefore} · ${mostMb} · ${rssMb(host.pid)}`,
    'act, ms': actMs,
    load: load1,
  };
}

const host = await openDaruma(world);
const begun = Date.now();
for (; !allSay('First.', 2 * HALF)((await ask(host)).answer); await sleep(500));
console.log(`1,000 agents are at work after ${Date.now() - begun} ms`);
await sleep(CALM_MS);
const rows: Awaited<ReturnType<typeof perform>>[] = [];
for (const name of Object.keys(ACTS)) {
  if (NAMES && !NAMES.includes(name)) continue;
  rows.push(await perform(host, name));
  console.log(rows.at(-1));
}
await host.stop();
world.end();
writeFileSync(
  join(import.meta.dirname, 'results/operators.json'),
  `${JSON.stringify({ at: new Date().toISOString(), machine: machineFacts(), rows }, null, 2)}\n`,
);
console.log(markdown(rows));
process.exit(0);
