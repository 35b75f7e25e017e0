import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ops } from '../../../src/control/protocol.ts';
import { type Counterparts, openCounterparts } from '../channels/counterparts.ts';
import { CHANNELS, type Channel, type Counterpart } from '../channels/list.ts';
import { requests } from '../channels/stubs.ts';
import { type Broken, onlyBroken } from '../check.ts';
import { delay } from '../delay.ts';
import type { Fault, FuzzRun } from '../fault.ts';
import { type HostProcess, processesOf, signal, startHost } from '../host-process.ts';
import { type Random, seeded } from '../random.ts';
import { connected, killAll } from '../trial.ts';

const ROOT = join(import.meta.dirname, '../../..');
const WITHIN_MS = 600_000;
/** A process is killed so late at most after a round's posts were ordered, in ms. */
const LATEST_KILL_MS = 400;
/** A kill that waits for a request strikes after this time without any, in ms. */
const LONGEST_WAIT_MS = 2_000;
/** An agent whose workers end more often within ten minutes is in quarantine, and its posts wait there. */
const MOST_CELLS = 3;
const BLOWS = { host: 60, cell: 40 };
type Job = Ops['jobs']['value'][number];

export interface ChannelsOutcome {
  kills: Record<keyof typeof BLOWS, number>;
  channels: Record<string, ChannelFigures>;
  broken: Broken;
}

interface ChannelFigures {
  /** `real`, with the program, or `stub`. */
  counterpart: string;
  posts: number;
  /** Posts at the counterpart, each counted once. */
  there: number;
  /** Neither there nor said to be unknown. */
  lost: number;
  twice: number;
  /** Jobs that say that they do not know, by the setting `ifUnknown: skip`; those of them whose post is not there. */
  unknown: number;
  unknownAndNotThere: number;
  /** Requests that the counterpart knew for a repeat, by key, Message-ID or record key. */
  repeats: number;
  attemptedAgain: number;
}

/** Kills host and cells while all channels post, at random moments and between request and answer, and counts what arrived. */
export const channels: Fault<'posts' | 'kills'> = {
  name: 'channels',
  counts: { posts: 200, kills: 60 },
  async run(run, counts) {
    const { broken, channels: figures, kills } = await channelsFuzz({ ...run, ...counts });
    const tables = Object.entries(figures).map(([channel, its]) => ({ channel, ...its }));
    return { tables: [{ kills }, ...tables], broken, result: { kills, channels: figures } };
  },
};

/** `only`: the agents of the channels that are tried; all of them by default. */
export async function channelsFuzz(
  options: FuzzRun & { posts: number; kills: number; only?: readonly string[] },
): Promise<ChannelsOutcome> {
  const { folder, main, seed, say, posts, kills, only } = options;
  const tried = CHANNELS.filter(({ agent }) => only?.includes(agent) ?? true);
  const home = join(folder, 'home');
  const counterparts = await openCounterparts(tried, join(folder, 'counterparts'), say);
  try {
    writeInstallation(home, tried, counterparts);
    const killed = createKilled(main, home, seeded(seed));
    await killed.start();
    // The first post of each channel is in peace: a host that dies while it compiles a plugin leaves that one out.
    await order(home, tried, { from: 0, to: 1 });
    await ended(home, tried, tried.length);
    for (let round = 0; round < kills; round++) {
      const [from, to] = [round, round + 1].map((at) => 1 + Math.floor((at * (posts - 1)) / kills));
      await Promise.all([order(home, tried, { from: from!, to: to! }), killed.strike()]);
      if (round % 10 === 9) say(`round ${round + 1}: ${to} posts of each channel are ordered`);
    }
    const jobs = await ended(home, tried, posts * tried.length);
    const figures: Record<string, ChannelFigures> = {};
    const broken: Broken = {};
    for (const channel of tried) {
      const its = jobs.filter(({ agent }) => agent === channel.agent);
      const counted = await countedOf(channel, counterparts.of(channel), { jobs: its, posts, home });
      figures[channel.agent] = counted.figures;
      for (const [promise, times] of Object.entries(counted.broken)) broken[`${channel.agent}: ${promise}`] = times;
    }
    return { kills: killed.kills, channels: figures, broken };
  } finally {
    killAll(folder);
    await counterparts.close();
  }
}

function writeInstallation(home: string, tried: readonly Channel[], counterparts: Counterparts): void {
  for (const name of ['plugins/lib', 'agents', 'config', 'node_modules'])
    mkdirSync(join(home, name), { recursive: true });
  cpSync(join(ROOT, 'plugins/lib'), join(home, 'plugins/lib'), { recursive: true });
  for (const plugin of new Set(tried.map((channel) => channel.plugin))) {
    cpSync(join(ROOT, `plugins/${plugin}.ts`), join(home, `plugins/${plugin}.ts`));
  }
  symlinkSync(join(ROOT, 'node_modules/nodemailer'), join(home, 'node_modules/nodemailer'));
  const secrets: Record<string, string> = {};
  for (const channel of tried) {
    const { secrets: own = {}, settings = channel.settings ?? {} } = counterparts.of(channel);
    const names = JSON.stringify(Object.keys(own));
    const lines = [
      `plugin: ${channel.plugin}`,
      `settings: ${JSON.stringify(settings)}`,
      `needs: { secrets: ${names} }`,
      'limits: { attempts: 60, backoff: { first: 50ms, longest: 300ms } }',
    ];
    writeFileSync(join(home, `agents/${channel.agent}.yaml`), `${lines.join('\n')}\n`);
    Object.assign(secrets, own);
  }
  const env = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(home, '.env'), env.join(''), { mode: 0o600 });
  writeFileSync(join(home, 'config/daruma.yaml'), 'web: false\nmodels: false\n');
}

/** Orders posts until each is accepted; a key makes a repeated order the same job. */
async function order(
  home: string,
  tried: readonly Channel[],
  { from, to }: { from: number; to: number },
): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  const asked = tried.flatMap(({ agent }) => Array.from({ length: to - from }, (_, at) => ({ agent, n: from + at })));
  for (let left = asked; left.length > 0; await delay(20)) {
    if (performance.now() > deadline) throw new Error(`${left.length} posts were not accepted`);
    const client = await connected(home).catch(() => undefined);
    if (client === undefined) continue;
    const accepted = await Promise.all(left.map((one) => client.ask('run', orderOf(one)).catch(() => undefined)));
    client.close();
    left = left.filter((_, at) => accepted[at] === undefined);
  }
}

function orderOf({ agent, n }: { agent: string; n: number }) {
  const input = { title: `Post ${n}`, text: `Post ${n}: marked ${markOf(agent, n)} of a fuzz.`, level: 'warning' };
  return { agent, input, key: `${agent}-${n}` };
}

/** Letters and digits alone: networks show them as they were written. */
const markOf = (agent: string, n: number) => `m${agent.replaceAll('-', '')}x${String(n).padStart(4, '0')}`;

function createKilled(main: string, home: string, random: Random) {
  const kills = { host: 0, cell: 0 };
  const cells = new Map<number, number>();
  let strikes = 0;
  let host: HostProcess;

  async function start() {
    host = startHost(main, home);
    await host.ready;
  }
  /** A cell; by its age, since each agent with rights has its own and they come up in one order. */
  function aCell(): number | undefined {
    const all = processesOf(home).filter(({ command }) => /\bcell(\.js)?\b/.test(command));
    const at = random.between(0, Math.max(0, all.length - 1));
    if (all[at] === undefined || (cells.get(at) ?? 0) >= MOST_CELLS) return undefined;
    cells.set(at, (cells.get(at) ?? 0) + 1);
    return all[at].pid;
  }

  return {
    kills,
    start,
    async strike() {
      // Every other kill falls while a stub is about to answer.
      await delay(random.between(0, LATEST_KILL_MS));
      strikes += 1;
      if (strikes % 2 === 0) await Promise.race([once(requests, 'request'), delay(LONGEST_WAIT_MS)]);
      const cell = random.pick(BLOWS) === 'cell' ? aCell() : undefined;
      if (cell !== undefined) {
        kills.cell += 1;
        signal([cell], 'SIGKILL');
        return;
      }
      kills.host += 1;
      host.kill('SIGKILL');
      await host.ended;
      await start();
    },
  };
}

/** Every job, as soon as all have ended. */
async function ended(home: string, tried: readonly Channel[], least: number): Promise<Job[]> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const client = await connected(home);
    const jobs: Job[] = [];
    for (const { agent } of tried) {
      for (let more: Job[] | undefined; more === undefined || more.length === 1_000; ) {
        const before = jobs.at(-1)?.agent === agent ? jobs.at(-1)!.id : undefined;
        more = await client.ask('jobs', { agent, limit: 1_000, ...(before ? { before } : {}) });
        jobs.push(...more);
      }
    }
    client.close();
    const isOver = jobs.every(({ state }) => !['queued', 'running', 'retrying'].includes(state));
    if ((isOver && jobs.length >= least) || performance.now() > deadline) return jobs;
    await delay(50);
  }
}

async function countedOf(
  channel: Channel,
  counterpart: Counterpart,
  { jobs, posts, home }: { jobs: Job[]; posts: number; home: string },
): Promise<{ figures: ChannelFigures; broken: Broken }> {
  const texts = channel.file ? fileOf(join(home, channel.file)) : await counterpart.texts();
  const marks = Array.from({ length: posts }, (_, n) => markOf(channel.agent, n));
  const times = new Map(marks.map((mark) => [mark, texts.filter((text) => text.includes(mark)).length]));
  const unknown = jobs.filter(({ result }) => (result as { posted?: unknown } | null)?.posted === 'unknown');
  const isUnknown = new Set(unknown.map(({ key }) => markOf(channel.agent, Number(key!.split('-').at(-1)))));
  const missing = marks.filter((mark) => times.get(mark) === 0);
  const lost = missing.filter((mark) => !isUnknown.has(mark));
  const twice = marks.filter((mark) => times.get(mark)! > 1);
  return {
    figures: {
      counterpart: counterpart.is,
      posts,
      there: marks.length - missing.length,
      lost: lost.length,
      twice: twice.length,
      unknown: unknown.length,
      unknownAndNotThere: missing.length - lost.length,
      repeats: counterpart.repeats(),
      attemptedAgain: jobs.filter(({ attempt }) => attempt > 1).length,
    },
    broken: onlyBroken({
      'no post is lost': lost,
      'no post is there twice': twice,
      'each job is done': jobs
        .filter(({ state }) => state !== 'done')
        .map(({ id, state, error }) => `${id} is ${state}: ${error?.message}`),
    }),
  };
}

/** The posts of a file, one each. */
function fileOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  return path.endsWith('.xml') ? (text.match(/<entry>[\s\S]*?<\/entry>/g) ?? []) : text.split(/^## /m).slice(1);
}
