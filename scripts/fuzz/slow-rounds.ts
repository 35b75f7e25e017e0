import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectControl } from '../../src/control/client.ts';
import { socketPath } from '../../src/control/place.ts';
import { type Broken, checkAtRest, isFresh, repeatedRuns } from './check.ts';
import { delay } from './delay.ts';
import { startGuarded } from './guarded-host.ts';
import { processesOf, signal } from './host-process.ts';
import type { Run } from './ledgers.ts';
import { createLoad } from './load.ts';
import { pluginFiles } from './plugins.ts';
import { seeded } from './random.ts';
import { counted, type Spread, spread } from './spread.ts';

export interface SlowDisk {
  main: string;
  folder: string;
  seed: number;
  /** What each flush of a round takes at least, in ms. One host for each of them, on the same store. */
  delays: number[];
  /** Of load, in each round. */
  seconds: number;
  say(line: string): void;
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
  /** What the latter flushed. */
  flushedByLoops: string[];
  /** Hosts that the guardian started beyond the first. */
  restarts: number;
  /** From SIGTERM to the end of both, and the exit code: 137 when it took longer than the 20 s that a host gives itself. */
  stopMs: number;
  stopCode: number | string;
}

export interface SlowOutcome {
  rounds: SlowRound[];
  inAll: {
    rounds: number;
    /** The `loopLagMs` of all seconds. */
    loopLagMs: Spread;
    restarts: number;
    readyMs: Spread;
    stopMs: Spread;
    stopsCutShort: number;
    flushes: number;
    flushesByLoops: number;
    orders: number;
    accepted: number;
    ackMs: Spread;
    acceptedAndLost: number;
    refused: number;
    slots: Record<string, number>;
    slotsWithoutEnd: number;
    slotHoles: number;
    slotLateMs: Spread;
    /** Jobs that give a sign of life each 250 ms and may be silent for 1 s: done, and attempts that were taken for silent. */
    beating: number;
    takenForSilent: number;
    /** Attempts that a stop did not let finish: they ran again with the next host. */
    givenBack: number;
    jobs: Record<string, number>;
    runs: number;
    repeatedRuns: number;
  };
  broken: Broken;
}

/** Its signs of life come through the host's loop; were that held up by a flush, it would be killed for its silence. */
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
const REST_MS = 90_000;

/** What an attempt asks of the store counts against its time, and each such question waits for a flush or two here. */
function patientPlugins(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(pluginFiles()).map(([file, text]) => [file, text.replace("timeout: '5s'", "timeout: '60s'")]),
  );
}

/** Runs the shipped host under load on a disk whose flushes take long, and compares what was promised with what is there. */
export async function slowDisk(options: SlowDisk): Promise<SlowOutcome> {
  const { main, folder, seed, delays, seconds, say } = options;
  const home = join(folder, 'home');
  const tookOfRound: number[] = [];
  const load = createLoad({
    folder,
    home,
    seed,
    files: { ...patientPlugins(), 'plugins/beating.ts': BEATING },
    mostUnfinished: 60,
    without: ['exits', 'hangs'],
    answered: ({ ms, code }) => code === undefined && tookOfRound.push(ms),
  });
  const { producer } = load;
  const chance = seeded(seed + 1);
  const rounds: SlowRound[] = [];
  const tookInAll: number[] = [];
  const lateInAll: number[] = [];
  const misfortunes: Broken = {};
  const stops: number[] = [];

  function misfortune(promise: string, what: string) {
    misfortunes[promise] ??= [];
    misfortunes[promise].push(what);
    say(`✗ ${promise}: ${what}`);
  }

  async function round(delayMs: number) {
    const trace = join(folder, 'trace');
    const inject = `inject=${FLUSHES}:delay_enter=${delayMs * 1_000}`;
    const quiet = ['-qq', '-e', 'signal=none', '-s', '0', '-o', trace];
    const under = ['strace', '-f', '-y', '--seccomp-bpf', ...quiet, '-e', `trace=${FLUSHES}`, '-e', inject];
    const guarded = await startGuarded({ main, home, under: delayMs === 0 ? under.slice(0, -2) : under });
    const begun = Date.now();
    const first = guarded.host()!;
    const hosts = new Set([first]);
    const loopLagMs: number[] = [];
    const client = await connectControl(socketPath(home));
    try {
      await client.ask('status', {}); // What its start did to the loop is another figure.
      const before = load.accepted.size;
      tookOfRound.length = 0;
      producer.run();
      const until = performance.now() + seconds * 1_000;
      while (performance.now() < until) {
        await delay(chance.between(900, 1_100));
        const { host } = await client.ask('status', {});
        loopLagMs.push(host!.loopLagMs);
        hosts.add(host!.pid);
      }
      await producer.pause();
      const accepted = load.accepted.size - before;
      const now = guarded.host();
      if (now !== first) misfortune('the guardian replaced a host that only waited', `${first} by ${now}`);
      stops.push(Date.now());
      const stopped = await guarded.stop();
      for (const left of stopped.left) misfortune('a process outlived its host', left);
      const flushed = flushesIn(trace);
      const byLoops = flushed.filter(({ thread }) => thread === first || thread === guarded.guardian);
      const after = await load.gather();
      const dueOf = new Map(after.jobs.flatMap(({ id, slot }) => (slot !== null && slot > begun ? [[id, slot]] : [])));
      const late = after.runs.flatMap(({ agent, job, attempt, at }) =>
        agent === 'beating' && attempt === 1 && dueOf.has(job) ? [at - dueOf.get(job)!] : [],
      );
      rounds.push({
        delayMs,
        readyMs: Math.round(guarded.readyMs),
        loopLagMs,
        accepted,
        ackMs: spread(tookOfRound),
        slotLateMs: spread(late),
        flushes: flushed.length,
        flushesByLoops: byLoops.length,
        flushedByLoops: [...new Set(byLoops.map(({ what }) => what))],
        restarts: hosts.size - 1,
        stopMs: Math.round(stopped.ms),
        stopCode: stopped.code,
      });
      tookInAll.push(...tookOfRound);
      lateInAll.push(...late);
      const { ackMs, flushes } = rounds.at(-1)!;
      say(
        `${delayMs} ms a flush: ready after ${Math.round(guarded.readyMs)} ms, ${accepted} accepted in p50 ${ackMs.p50} ms, ` +
          `${flushes} flushes, loop lag ${Math.max(...loopLagMs)} ms at most, stopped in ${Math.round(stopped.ms)} ms`,
      );
    } finally {
      client.close();
    }
  }

  /** Nothing new comes, and no flush is held up; everything has to come to its end. */
  async function rest() {
    const guarded = await startGuarded({ main, home });
    await producer.settle();
    const client = await connectControl(socketPath(home));
    for (const deadline = performance.now() + REST_MS; performance.now() < deadline; await delay(200)) {
      const open = await client.ask('jobs', { states: ['queued', 'running', 'retrying'], limit: 100 });
      if (open.every(({ slot }) => isFresh({ slot: slot === null ? null : Date.parse(slot) }, Date.now()))) break;
    }
    client.close();
    await guarded.stop();
  }

  try {
    for (const delayMs of delays) await round(delayMs);
    await rest();
  } finally {
    await producer.pause();
    signal(
      processesOf(home).map(({ pid }) => pid),
      'SIGKILL',
    );
  }
  try {
    const last = await load.gather();
    const atRest: Broken = { ...checkAtRest(last), ...misfortunes };
    // A host that stops gives back what it could not finish, and the attempt with it.
    const [givenBack, twice] = repeatedAttempts(last.runs).reduce<[number, string[]]>(
      ([back, rest], [{ job, attempt, at }, again]) =>
        stops.some((stop) => at < stop && stop < again.at)
          ? [back + 1, rest]
          : [back, [...rest, `${job} attempt ${attempt}`]],
      [0, []],
    );
    atRest['one attempt run twice'] = twice;
    if (load.contradictions.length > 0) atRest['one key, two answers'] = load.contradictions;
    const beats = last.runs.filter(({ agent }) => agent === 'beating');
    const silent = beats.filter(({ attempt }) => attempt > 1);
    if (silent.length > 0) atRest['taken for silent'] = silent.map(({ job, attempt }) => `${job} attempt ${attempt}`);
    const sum = (pick: (round: SlowRound) => number) => rounds.reduce((total, one) => total + pick(one), 0);
    if (sum((one) => one.flushesByLoops) > 0)
      atRest['a loop waited for a flush'] = rounds.flatMap(({ flushedByLoops }) => flushedByLoops);
    const broken = Object.fromEntries(Object.entries(atRest).filter(([, openIncidents]) => openIncidents.length > 0));
    return {
      rounds,
      inAll: {
        rounds: rounds.length,
        loopLagMs: spread(rounds.flatMap((one) => one.loopLagMs)),
        restarts: sum((one) => one.restarts),
        readyMs: spread(rounds.map((one) => one.readyMs)),
        stopMs: spread(rounds.map((one) => one.stopMs)),
        stopsCutShort: rounds.filter(({ stopCode }) => stopCode !== 0).length,
        flushes: sum((one) => one.flushes),
        flushesByLoops: sum((one) => one.flushesByLoops),
        orders: producer.orders(),
        accepted: load.accepted.size,
        ackMs: spread(tookInAll),
        acceptedAndLost: (atRest['accepted, and not in the store'] ?? []).length,
        refused: Object.values(producer.refusals).reduce((total, times) => total + times, 0),
        slots: counted(last.slots.map(({ state }) => state)),
        slotsWithoutEnd: (atRest['a slot without an end'] ?? []).length,
        slotHoles: (atRest['a hole between slots'] ?? []).length,
        slotLateMs: spread(lateInAll),
        beating: new Set(beats.map(({ job }) => job)).size,
        takenForSilent: silent.length,
        givenBack,
        jobs: counted(last.jobs.map(({ state }) => state)),
        runs: last.runs.length,
        repeatedRuns: repeatedRuns(last.runs),
      },
      broken,
    };
  } finally {
    load.close();
    rmSync(join(folder, 'trace'), { force: true });
  }
}

/** Each run of an attempt that had run before, behind the one before it. */
function repeatedAttempts(runs: readonly Run[]): [before: Run, again: Run][] {
  const newest = new Map<string, Run>();
  return runs.flatMap((run): [Run, Run][] => {
    const before = newest.get(`${run.job} ${run.attempt}`);
    newest.set(`${run.job} ${run.attempt}`, run);
    return before ? [[before, run]] : [];
  });
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
