import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Broken } from '../check.ts';
import { delay, until } from '../delay.ts';
import type { Fault, FuzzRun } from '../fault.ts';
import { goneWithin, type HostProcess, processesOf, signal, startHost } from '../host-process.ts';
import { type Random, seeded } from '../random.ts';
import { type Spread, spread } from '../spread.ts';
import { connected, createTrial, type LoadFigures, type Trial } from '../trial.ts';

/** Ends of the processes, each as often as its weight says. */
const BLOWS = {
  /** SIGKILL of the host, and with it of its store thread. */
  host: 30,
  /** SIGKILL of host, cells and builder at once. */
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

export interface CrashOutcome extends LoadFigures {
  rounds: number;
  kills: Record<Blow, number>;
  /** ms from the start of a host to its first run. */
  recovery: Spread;
  /** ms from the death of a host to that of its last cell. */
  cellsGone: Spread;
  broken: Broken;
}

/** Cells have to be gone this long after their host. */
const CELLS_GONE_MS = 2_000;
/** A restarted host runs a job within this long: a bound for what hangs, not for how fast a busy machine is. */
const RUNS_AGAIN_MS = 90_000;

/** Kills processes under load; an outside ledger is compared with the store. No round begins after `seconds`. */
export const crash: Fault<'rounds' | 'seconds'> = {
  name: 'crash',
  counts: { rounds: 300, seconds: 470 },
  async run(run, counts) {
    const { broken, ...figures } = await crashFuzz({ ...run, ...counts });
    return { tables: [figures], broken, result: figures };
  },
};

export async function crashFuzz(options: FuzzRun & { rounds: number; seconds: number }): Promise<CrashOutcome> {
  const { folder, seed, say } = options;
  const trial = createTrial({ folder, seed: seed + 1, say });
  const hosts = createKilledHosts(options.main, trial, seeded(seed));
  const begun = performance.now();
  let rounds = 0;
  try {
    await hosts.start();
    trial.producer.run();
    while (rounds < options.rounds && performance.now() - begun < options.seconds * 1_000) {
      await hosts.round();
      if (++rounds % 10 > 0) continue;
      const { facts, holds } = await trial.check();
      say(`round ${rounds}: ${facts.jobs.length} jobs, ${facts.runs.length} runs${holds ? '' : ', promises broken'}`);
      if (!holds) break;
    }
    await trial.producer.pause();
    await trial.producer.settle();
    const client = await connected(trial.home);
    await trial.rest(client);
    client.close();
    await hosts.stop();
    const { broken, figures } = await trial.end();
    return { rounds, ...hosts.figures(), ...figures, broken };
  } finally {
    await trial.over();
  }
}

function createKilledHosts(main: string, trial: Trial, chance: Random) {
  const { home, misfortune } = trial;
  const kills = Object.fromEntries(Object.keys(BLOWS).map((blow) => [blow, 0])) as Record<Blow, number>;
  const recoveries: number[] = [];
  const cellsGone: number[] = [];
  let host: HostProcess;

  const pids = () => processesOf(home).map(({ pid }) => pid);

  async function comesUp() {
    await host.ready;
    const worked = await until(() => {
      trial.look();
      return trial.firstRunSince(host.startedAt) !== undefined;
    }, RUNS_AGAIN_MS);
    if (!worked) return misfortune('no job ran after a restart', `pid ${host.pid}`);
    recoveries.push(trial.firstRunSince(host.startedAt)! - host.startedAt);
  }

  async function expectGone(all: number[]) {
    const { left, ms } = await goneWithin(home, all, CELLS_GONE_MS);
    for (const { pid, command } of left) misfortune('a process outlived its host by 2 s', `${pid} ${command}`);
    signal(
      left.map(({ pid }) => pid),
      'SIGKILL',
    );
    return ms;
  }

  /** Ends the host as the blow says, and sees that nothing of it stays. */
  async function kill(blow: Exclude<Blow, 'cell' | 'freeze'>) {
    const all = pids();
    signal(blow === 'tree' || blow === 'torn' ? all : [host.pid], 'SIGKILL');
    const how = await host.ended;
    if (how !== 'SIGKILL') misfortune('a host ended by itself', `pid ${host.pid}: ${how}`);
    const gone = expectGone(all).then((ms) => void cellsGone.push(Math.round(ms)));
    if (blow !== 'atOnce') await gone;
    if (blow === 'torn') {
      const rubbish = Buffer.alloc(chance.between(1, 9_000), chance.between(0, 255));
      appendFileSync(join(home, 'data/daruma.db-wal'), rubbish);
    }
    return gone;
  }

  function killCell() {
    const cells = processesOf(home).filter(({ parent, command }) => parent === host.pid && command.includes('cell.js'));
    const at = chance.between(0, 99);
    if (cells.length > 0) signal([cells[at % cells.length]!.pid], 'SIGKILL');
  }

  async function freeze() {
    const all = pids();
    signal(all, 'SIGSTOP');
    await delay(chance.between(100, 500));
    signal(all, 'SIGCONT');
  }

  return {
    async start() {
      host = startHost(main, home);
      await host.ready;
    },
    async round() {
      const blow = chance.pick(BLOWS);
      await delay(chance.between(120, 800));
      if (host.isOver()) misfortune('a host ended by itself', `pid ${host.pid}`);
      kills[blow]++;
      if (blow === 'cell') return killCell();
      if (blow === 'freeze') return freeze();
      const gone = kill(blow);
      await (blow === 'atOnce' ? host.ended : gone);
      host = startHost(main, home);
      if (blow === 'start') {
        await delay(chance.between(0, 900));
        await kill('start');
        host = startHost(main, home);
      }
      await comesUp();
      await gone;
    },
    /** Nobody is killed any more: the host has to end as it was asked. */
    async stop() {
      host.kill('SIGTERM');
      const how = await host.ended;
      if (how !== 0) misfortune('a host that was asked to stop did not end with 0', String(how));
      await expectGone(pids());
    },
    figures: () => ({ kills, recovery: spread(recoveries), cellsGone: spread(cellsGone) }),
  };
}
