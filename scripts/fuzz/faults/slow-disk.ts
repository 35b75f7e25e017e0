import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Broken, onlyBroken } from '../check.ts';
import { delay } from '../delay.ts';
import { canTrace } from '../disk/process.ts';
import type { Fault, FuzzRun } from '../fault.ts';
import { startGuarded } from '../guarded-host.ts';
import type { Run } from '../ledgers.ts';
import { pluginFiles } from '../plugins.ts';
import { seeded } from '../random.ts';
import { type Spread, spread } from '../spread.ts';
import { connected, createTrial, type LoadFigures } from '../trial.ts';

export interface SlowDisk extends FuzzRun {
  /** The least time of each flush of a round, in ms. A host for each round, on the same store. */
  delays: number[];
  /** Of load, in each round. */
  seconds: number;
}

/** Calls that wait until bytes are on the disk. */
const FLUSHES = 'fsync,fdatasync,sync_file_range,msync,syncfs,sync';

export interface SlowRound {
  delayMs: number;
  readyMs: number;
  /** The host's own `loopLagMs`, asked once a second: the 99th percentile since the question before. */
  loopLagMs: number[];
  accepted: number;
  /** From order to acknowledgement. */
  ackMs: Spread;
  /** From a slot of the agent of each fourth second, while the host worked, to the first line of its job. */
  slotLateMs: Spread;
  /** Flushes of all processes, and those that the main loop of host or guardian called itself. */
  flushes: number;
  flushesByLoops: number;
  /** The files that the latter flushed. */
  flushedByLoops: string[];
  /** Hosts that the guardian started beyond the first. */
  restarts: number;
  /** From SIGTERM to the end of both, and the exit code: 137 when it took longer than the 20 s that a host gives itself. */
  stopMs: number;
  stopCode: number | string;
}

export interface SlowOutcome {
  rounds: SlowRound[];
  inAll: LoadFigures & {
    rounds: number;
    /** The `loopLagMs` of all seconds. */
    loopLagMs: Spread;
    restarts: number;
    readyMs: Spread;
    stopMs: Spread;
    stopsCutShort: number;
    flushes: number;
    flushesByLoops: number;
    ackMs: Spread;
    refused: number;
    slotsWithoutEnd: number;
    slotHoles: number;
    slotLateMs: Spread;
    /** Jobs that give a sign of life each 250 ms and may be silent for 1 s: done, and attempts that were taken for silent. */
    beating: number;
    takenForSilent: number;
    /** Attempts that a stop did not let finish: they ran again with the next host. */
    givenBack: number;
  };
  broken: Broken;
}

/** Flushes that take 200 ms to 2 s each, under load. Before them a host that nothing holds up, to compare with. */
export const slowDisk: Fault<'rounds' | 'seconds'> = {
  name: 'slow',
  counts: { rounds: 20, seconds: 10 },
  missing: () =>
    canTrace()
      ? null
      : 'strace is not here, or not permitted, and nothing else holds up a flush (apt-get install strace)',
  async run(run, { rounds, seconds }) {
    const chance = seeded(run.seed);
    const delays = Array.from({ length: rounds }, () => chance.between(200, 2_000));
    const quick = await slowFlushes({ ...run, seconds, folder: join(run.folder, 'quick'), delays: [0, 0] });
    const slow = await slowFlushes({ ...run, seconds, folder: join(run.folder, 'slow'), delays });
    const { rounds: undelayedRounds, inAll: undelayed } = quick;
    return {
      tables: [{ 'loop lag ms, undelayed': undelayed.loopLagMs, ...slow.inAll }],
      broken: { ...quick.broken, ...slow.broken },
      result: { delaysMs: '200-2000', rounds: slow.rounds, inAll: slow.inAll, undelayed, undelayedRounds },
    };
  },
};

/**
 * The signs of life of the job come through the host's loop; were that held up by a flush, the job would be killed
 * for its silence.
 */
const BEATING = `
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Gives signs of life.',
  schedule: '*/4 * * * * *', overlap: 'skip',
  limits: { attempts: 5, silence: '1s', timeout: '20s', backoff: { first: '20ms' } },
  needs: { write: ['ledger'] },
  async run({ agent, job, folder, beat }) {
    appendFileSync(join(folder, 'ledger/runs.log'), [agent, job.id, job.attempt, Date.now()].join(' ') + '\\n');
    for (let n = 0; n < 10; n++) {
      beat('still here');
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  },
});
`;
/** Questions of an attempt to the store count against its time, and each of them waits for a flush or two here. */
function patientPlugins(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(pluginFiles()).map(([file, text]) => [file, text.replace("timeout: '5s'", "timeout: '60s'")]),
  );
}

/** Runs the shipped host under load on a disk whose flushes take long, and compares what was promised with what is there. */
export async function slowFlushes(options: SlowDisk): Promise<SlowOutcome> {
  const { main, folder, seed, delays, say } = options;
  const took: number[] = [];
  const trial = createTrial({
    folder,
    seed,
    say,
    files: { ...patientPlugins(), 'plugins/beating.ts': BEATING },
    mostUnfinished: 60,
    without: ['exits', 'hangs'],
    answered: ({ ms, code }) => code === undefined && took.push(ms),
  });
  const { home, producer, misfortune } = trial;
  const chance = seeded(seed + 1);
  const rounds: SlowRound[] = [];
  const tookInAll: number[] = [];
  const lateInAll: number[] = [];
  const stops: number[] = [];
  const trace = join(folder, 'trace');

  async function round(delayMs: number) {
    const guarded = await startGuarded({ main, home, under: heldUp(trace, delayMs) });
    const begun = Date.now();
    const first = guarded.host()!;
    const hosts = new Set([first]);
    const loopLagMs: number[] = [];
    const client = await connected(home);
    try {
      await client.ask('status', {}); // The effect of the start on the loop is another figure.
      const before = trial.accepted.size;
      took.length = 0;
      producer.run();
      const until = performance.now() + options.seconds * 1_000;
      while (performance.now() < until) {
        await delay(chance.between(900, 1_100));
        const { host } = await client.ask('status', {});
        loopLagMs.push(host!.loopLagMs);
        hosts.add(host!.pid);
      }
      await producer.pause();
      const accepted = trial.accepted.size - before;
      const now = guarded.host();
      if (now !== first) misfortune('the guardian replaced a host that only waited', `${first} by ${now}`);
      stops.push(Date.now());
      const stopped = await guarded.stop();
      for (const left of stopped.left) misfortune('a process outlived its host', left);
      const flushed = flushesIn(trace);
      const byLoops = flushed.filter(({ thread }) => thread === first || thread === guarded.guardian);
      const late = await latenessSince(begun);
      const figures: SlowRound = {
        delayMs,
        readyMs: Math.round(guarded.readyMs),
        loopLagMs,
        accepted,
        ackMs: spread(took),
        slotLateMs: spread(late),
        flushes: flushed.length,
        flushesByLoops: byLoops.length,
        flushedByLoops: [...new Set(byLoops.map(({ what }) => what))],
        restarts: hosts.size - 1,
        stopMs: Math.round(stopped.ms),
        stopCode: stopped.code,
      };
      rounds.push(figures);
      tookInAll.push(...took);
      lateInAll.push(...late);
      say(
        `${delayMs} ms a flush: ready after ${figures.readyMs} ms, ${accepted} accepted in p50 ${figures.ackMs.p50} ms, ` +
          `${figures.flushes} flushes, loop lag ${Math.max(...loopLagMs)} ms at most, stopped in ${figures.stopMs} ms`,
      );
    } finally {
      client.close();
    }
  }

  async function latenessSince(begun: number): Promise<number[]> {
    const { jobs, runs } = await trial.gather();
    const dueOf = new Map(jobs.flatMap(({ id, slot }) => (slot !== null && slot > begun ? [[id, slot]] : [])));
    return runs.flatMap(({ agent, job, attempt, at }) =>
      agent === 'beating' && attempt === 1 && dueOf.has(job) ? [at - dueOf.get(job)!] : [],
    );
  }

  /** Nothing new comes, and no flush is held up; everything has to come to its end. */
  async function rest() {
    const guarded = await startGuarded({ main, home });
    await producer.settle();
    const client = await connected(home);
    await trial.rest(client);
    client.close();
    await guarded.stop();
  }

  try {
    for (const delayMs of delays) await round(delayMs);
    await rest();
    const { facts, broken, figures } = await trial.end();
    const { givenBack, twice } = repeatedAttempts(facts.runs, stops);
    const beats = facts.runs.filter(({ agent }) => agent === 'beating');
    const silent = beats.filter(({ attempt }) => attempt > 1);
    const sum = (pick: (round: SlowRound) => number) => rounds.reduce((total, round) => total + pick(round), 0);
    return {
      rounds,
      inAll: {
        rounds: rounds.length,
        loopLagMs: spread(rounds.flatMap((round) => round.loopLagMs)),
        restarts: sum((round) => round.restarts),
        readyMs: spread(rounds.map((round) => round.readyMs)),
        stopMs: spread(rounds.map((round) => round.stopMs)),
        stopsCutShort: rounds.filter(({ stopCode }) => stopCode !== 0).length,
        flushes: sum((round) => round.flushes),
        flushesByLoops: sum((round) => round.flushesByLoops),
        ackMs: spread(tookInAll),
        refused: Object.values(producer.refusals).reduce((total, times) => total + times, 0),
        slotsWithoutEnd: (broken['a slot without an end'] ?? []).length,
        slotHoles: (broken['a hole between slots'] ?? []).length,
        slotLateMs: spread(lateInAll),
        beating: new Set(beats.map(({ job }) => job)).size,
        takenForSilent: silent.length,
        givenBack,
        ...figures,
      },
      broken: onlyBroken({
        ...broken,
        'one attempt run twice': twice,
        'taken for silent': silent.map(({ job, attempt }) => `${job} attempt ${attempt}`),
        'a loop waited for a flush': rounds.flatMap(({ flushedByLoops }) => flushedByLoops),
      }),
    };
  } finally {
    await trial.over();
    rmSync(trace, { force: true });
  }
}

/** The command that notes each flush, and holds it up for so long. */
function heldUp(trace: string, delayMs: number): string[] {
  const noted = ['strace', '-f', '-y', '--seccomp-bpf', '-qq', '-e', 'signal=none', '-s', '0', '-o', trace];
  const inject = ['-e', `inject=${FLUSHES}:delay_enter=${delayMs * 1_000}`];
  return [...noted, '-e', `trace=${FLUSHES}`, ...(delayMs === 0 ? [] : inject)];
}

/** Attempts that ran again: how many because a host that stopped gave back what it could not finish, and the others. */
function repeatedAttempts(runs: readonly Run[], stops: readonly number[]): { givenBack: number; twice: string[] } {
  const newest = new Map<string, Run>();
  const twice: string[] = [];
  let givenBack = 0;
  for (const run of runs) {
    const name = `${run.job} attempt ${run.attempt}`;
    const before = newest.get(name);
    newest.set(name, run);
    if (!before) continue;
    if (stops.some((stop) => before.at < stop && stop < run.at)) givenBack++;
    else twice.push(name);
  }
  return { givenBack, twice };
}

/** Flushes in a trace of strace: the thread that called, and the file. */
function flushesIn(trace: string): { thread: number; what: string }[] {
  return readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const call = /^(\d+) +(\w+)\((?:\d+<([^>]*)>)?/.exec(line);
      return call ? [{ thread: Number(call[1]), what: `${call[2]} ${call[3] ?? ''}` }] : [];
    });
}
