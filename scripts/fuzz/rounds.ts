import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectControl } from '../../src/control/client.ts';
import { socketPath } from '../../src/control/place.ts';
import { type Broken, checkAlways, checkAtRest, endOf, type Facts, isFresh, repeatedRuns } from './check.ts';
import { delay, until } from './delay.ts';
import { goneWithin, type HostProcess, processesOf, signal, startHost } from './host-process.ts';
import { createLoad } from './load.ts';
import { seeded } from './random.ts';
import { counted, type Spread, spread } from './spread.ts';

export interface CrashFuzz {
  /** The compiled program, as people run it. */
  main: string;
  /** An empty folder for everything. */
  folder: string;
  seed: number;
  rounds: number;
  /** No new round begins after this long. */
  seconds: number;
  say(line: string): void;
}

/** What is done to the processes, and how often in proportion. */
const BLOWS = {
  /** SIGKILL of the host, and with it of its store thread. */
  host: 30,
  /** SIGKILL of host, cells and workshop at once. */
  tree: 20,
  /** SIGKILL of one cell; the host goes on. */
  cell: 22,
  /** SIGKILL of the host, the next one is started while the cells of the first still end. */
  atOnce: 10,
  /** SIGKILL of a host that has not come up yet. */
  start: 8,
  /** SIGKILL of all, then rubbish at the end of the log: the page that was being written. */
  torn: 6,
  /** Everything stands still for a moment, and goes on. */
  freeze: 4,
};
type Blow = keyof typeof BLOWS;

export interface Outcome {
  rounds: number;
  kills: Record<Blow, number>;
  orders: number;
  accepted: number;
  jobs: Record<string, number>;
  deadBecause: Record<string, number>;
  slots: number;
  runs: number;
  repeatedRuns: number;
  effects: number;
  refusals: Record<string, number>;
  /** ms from the start of a host to its first run. */
  recovery: Spread;
  /** ms from the death of a host to that of its last cell. */
  cellsGone: Spread;
  /** Only promises that were broken. */
  broken: Broken;
  seconds: number;
}

/** Cells have to be gone this long after their host. */
const CELLS_GONE_MS = 2_000;
/** Everything has to have come to its end this long after the last kill. */
const REST_MS = 90_000;

/** Kills the processes of a real installation under load, round after round, and compares what was promised with what is there. */
export async function crashFuzz(options: CrashFuzz): Promise<Outcome> {
  const { folder, seed, say } = options;
  const home = join(folder, 'home');
  const storeFile = join(home, 'data/daruma.db');
  const chance = seeded(seed);
  const load = createLoad({ folder, home, seed: seed + 1 });
  const { producer, look, gather, accepted, endedBefore } = load;
  const kills = Object.fromEntries(Object.keys(BLOWS).map((blow) => [blow, 0])) as Record<Blow, number>;
  const recoveries: number[] = [];
  const cellsGone: number[] = [];
  const misfortunes: Broken = {};
  const begun = performance.now();
  let host: HostProcess;

  function misfortune(promise: string, what: string) {
    misfortunes[promise] ??= [];
    misfortunes[promise].push(what);
    say(`✗ ${promise}: ${what}`);
  }

  async function comesUp() {
    await host.ready;
    const worked = await until(() => {
      look();
      return load.firstRunSince(host.startedAt) !== undefined;
    }, 20_000);
    if (!worked) return misfortune('no job ran after a restart', `pid ${host.pid}`);
    recoveries.push(load.firstRunSince(host.startedAt)! - host.startedAt);
  }

  /** Ends the host as the blow says, and sees that nothing of it stays. */
  async function kill(blow: Exclude<Blow, 'cell' | 'freeze'>) {
    const pids = processesOf(home).map(({ pid }) => pid);
    if (blow === 'host' || blow === 'atOnce' || blow === 'start') signal([host.pid], 'SIGKILL');
    else signal(pids, 'SIGKILL');
    const how = await host.ended;
    if (how !== 'SIGKILL') misfortune('a host ended by itself', `pid ${host.pid}: ${how}`);
    const gone = goneWithin(home, pids, CELLS_GONE_MS).then(({ left, ms }) => {
      cellsGone.push(Math.round(ms));
      for (const { pid, command } of left) misfortune('a process outlived its host by 2 s', `${pid} ${command}`);
      signal(
        left.map(({ pid }) => pid),
        'SIGKILL',
      );
    });
    if (blow !== 'atOnce') await gone;
    if (blow === 'torn')
      appendFileSync(`${storeFile}-wal`, Buffer.alloc(chance.between(1, 9_000), chance.between(0, 255)));
    return gone;
  }

  async function round() {
    const blow = chance.pick(BLOWS);
    await delay(chance.between(120, 800));
    if (host.isOver()) misfortune('a host ended by itself', `pid ${host.pid}`);
    kills[blow]++;
    if (blow === 'cell') {
      const cells = processesOf(home).filter(
        ({ parent, command }) => parent === host.pid && command.includes('cell.js'),
      );
      const at = chance.between(0, 99);
      if (cells.length > 0) signal([cells[at % cells.length]!.pid], 'SIGKILL');
      return;
    }
    if (blow === 'freeze') {
      const pids = processesOf(home).map(({ pid }) => pid);
      signal(pids, 'SIGSTOP');
      await delay(chance.between(100, 500));
      return signal(pids, 'SIGCONT');
    }
    const gone = kill(blow);
    if (blow === 'atOnce') await host.ended;
    else await gone;
    host = startHost(options.main, home);
    if (blow === 'start') {
      await delay(chance.between(0, 900));
      await kill('start');
      host = startHost(options.main, home);
    }
    await comesUp();
    await gone;
  }

  function brokenOf(all: Broken): Broken {
    const found = { ...all, ...misfortunes };
    if (load.contradictions.length > 0) found['one key, two answers'] = load.contradictions;
    return Object.fromEntries(Object.entries(found).filter(([, openIncidents]) => openIncidents.length > 0));
  }

  try {
    host = startHost(options.main, home);
    await host.ready;
    producer.run();
    let done = 0;
    let broken: Broken = {};
    while (done < options.rounds && performance.now() - begun < options.seconds * 1_000) {
      await round();
      done++;
      if (done % 10 > 0) continue;
      const before = new Map(accepted);
      const now = await gather();
      broken = brokenOf(checkAlways({ ...now, accepted: before }));
      for (const job of now.jobs) {
        const end = endOf(job);
        if (end) endedBefore.set(job.id, end);
      }
      say(
        `round ${done}: ${now.jobs.length} jobs, ${now.runs.length} runs, ${Object.keys(broken).length} promises broken`,
      );
      if (Object.keys(broken).length > 0) break;
    }
    await producer.pause();
    const last = await rest();
    const atRest = brokenOf(checkAtRest(last));
    return outcome(done, last, { ...broken, ...atRest });
  } finally {
    await producer.pause();
    if (!host!.isOver()) signal([host!.pid, ...processesOf(home).map(({ pid }) => pid)], 'SIGKILL');
    load.close();
  }

  /** Nobody is killed any more: everything has to come to its end, and the host to stop as asked. */
  async function rest(): Promise<Facts> {
    await producer.settle();
    const client = await connectControl(socketPath(home));
    for (const deadline = performance.now() + REST_MS; performance.now() < deadline; await delay(100)) {
      const open = await client.ask('jobs', { states: ['queued', 'running', 'retrying'], limit: 100 });
      if (open.every(({ slot }) => isFresh({ slot: slot === null ? null : Date.parse(slot) }, Date.now()))) break;
    }
    client.close();
    host.kill('SIGTERM');
    const how = await host.ended;
    if (how !== 0) misfortune('a host that was asked to stop did not end with 0', String(how));
    const { left } = await goneWithin(
      home,
      processesOf(home).map(({ pid }) => pid),
      CELLS_GONE_MS,
    );
    for (const { pid, command } of left) misfortune('a process outlived its host by 2 s', `${pid} ${command}`);
    return gather();
  }

  function outcome(rounds: number, last: Facts, broken: Broken): Outcome {
    return {
      rounds,
      kills,
      orders: producer.orders(),
      accepted: accepted.size,
      jobs: counted(last.jobs.map(({ state }) => state)),
      deadBecause: counted(last.jobs.filter(({ state }) => state === 'dead').map(({ error }) => error?.code ?? 'none')),
      slots: last.slots.length,
      runs: last.runs.length,
      repeatedRuns: repeatedRuns(last.runs),
      effects: last.effects.length,
      refusals: producer.refusals,
      recovery: spread(recoveries),
      cellsGone: spread(cellsGone),
      broken,
      seconds: Math.round((performance.now() - begun) / 1_000),
    };
  }
}

/** Removes the folder of a fuzz. */
export function clear(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
