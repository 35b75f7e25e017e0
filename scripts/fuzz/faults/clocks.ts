import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlClient } from '../../../src/control/client.ts';
import type { Slot } from '../../../src/schedule/ports.ts';
import { openReadOnly } from '../../../src/store/sqlite/read-only.ts';
import type { Broken } from '../check.ts';
import { delay, until } from '../delay.ts';
import type { Fault } from '../fault.ts';
import { startGuarded } from '../guarded-host.ts';
import { processesOf, signal } from '../host-process.ts';
import { runOf } from '../ledgers.ts';
import { RUNS_FILE } from '../plugins.ts';
import { seeded } from '../random.ts';
import { readStore } from '../read-store.ts';
import { counted, type Spread, spread } from '../spread.ts';
import { connected, createMisfortunes, killAll } from '../trial.ts';
import { CLOCK_FILES, SCHEDULES, timesBetween } from './clock-plugins.ts';
import { seasons } from './seasons.ts';

const HOUR = 3_600_000;

/** The kinds of jumps of the clock. `asleep`: everything stands still meanwhile, as in a machine that is suspended. */
export const JUMPS = {
  'an hour ahead': { ms: HOUR, asleep: false },
  'an hour back': { ms: -HOUR, asleep: false },
  'a day ahead': { ms: 24 * HOUR, asleep: false },
  'suspended for 8 hours': { ms: 8 * HOUR, asleep: true },
} as const;
export type Jump = keyof typeof JUMPS;

export interface ClockFuzz {
  main: string;
  home: string;
  /** How often each jump is made; their order is drawn. */
  times: number;
  seed: number;
  say(line: string): void;
}

export interface JumpFigures {
  times: number;
  /** From the jump until every slot that had come due was decided. */
  decidedMs: Spread;
  /** From asking for a job after it to its end. */
  jobMs: Spread;
  /** From the jump until three jobs of a second each were done that had been asked for before it, one after the other. */
  queuedMs: Spread;
  /** Slots of the agents below that had come due by the jump, by what became of them. */
  slots: Record<string, number>;
}

export interface ClockOutcome {
  jumps: Record<Jump, JumpFigures>;
  inAll: {
    jumps: number;
    hostsReplaced: number;
    /** Slots of all agents whose times were compared, those without a row, and those with two jobs. */
    slots: number;
    missing: number;
    doubles: number;
    withoutEnd: number;
    /** Not run, and no reason is given. */
    withoutReason: number;
    byState: Record<string, number>;
    /** Jobs that were at work during a jump, and those of them that were taken for lost, silent or too slow. */
    atWork: number;
    disturbed: number;
  };
  broken: Broken;
}

/**
 * Every change for summer or winter, against Temporal; and a host at work whose clock is set, or whose machine sleeps
 * (libfaketime gives it the time).
 */
export const clocks: Fault<'times' | 'expressions'> = {
  name: 'clocks',
  counts: { times: 20, expressions: 20 },
  async run({ main, folder, seed, say }, { times, expressions }) {
    const { broken: wrong, ...changes } = seasons(seed, expressions);
    if (!clockLibrary()) {
      say('NOT TRIED: a clock that is set (libfaketime is not here: apt-get install faketime)');
      return { tables: [changes], broken: wrong };
    }
    const { jumps, inAll, broken } = await clockFuzz({ main, home: folder, times, seed, say });
    const tables = Object.entries(jumps).map(([jump, figures]) => ({ jump, ...figures }));
    return {
      tables: [changes, ...tables, inAll],
      broken: { ...wrong, ...broken },
      result: { changes, jumps, inAll },
    };
  },
};

const LIBRARIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/local/lib', '/usr/lib'].map(
  (folder) => `${folder}/faketime/libfaketimeMT.so.1`,
);

/** The library that tells processes another time; undefined where it is not installed. */
export function clockLibrary(): string | undefined {
  return LIBRARIES.find((file) => existsSync(file));
}

/** Sets the wall clock of a host at work, and only that, again and again, and compares its slots with the calendar. */
export async function clockFuzz({ main, home, times, seed, say }: ClockFuzz): Promise<ClockOutcome> {
  const offsetFile = join(home, 'offset');
  const storeFile = join(home, 'data/daruma.db');
  for (const part of ['plugins', 'ledger']) mkdirSync(join(home, part), { recursive: true });
  for (const [path, text] of Object.entries(CLOCK_FILES)) writeFileSync(join(home, path), text);
  writeFileSync(offsetFile, '+0');
  const env = {
    ...process.env,
    LD_PRELOAD: clockLibrary(),
    FAKETIME_TIMESTAMP_FILE: offsetFile,
    FAKETIME_CACHE_DURATION: '1',
    // As on a real machine: only the wall clock jumps.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
  const chance = seeded(seed);
  const left = Object.fromEntries(Object.keys(JUMPS).map((jump) => [jump, times])) as Record<Jump, number>;
  const raw = Object.fromEntries(
    Object.keys(JUMPS).map((jump) => [
      jump,
      { decided: [] as number[], job: [] as number[], waited: [] as number[], states: [] as string[] },
    ]),
  ) as Record<Jump, { decided: number[]; job: number[]; waited: number[]; states: string[] }>;
  const seen = createMisfortunes(say);
  const { misfortune } = seen;
  let offset = 0;
  let latest = 0;
  const now = () => Date.now() + offset;

  async function slotsOf(agent: string, from: number, to: number): Promise<Slot[]> {
    const store = openReadOnly(storeFile);
    try {
      return await store.slots({ agent, from, to });
    } finally {
      store.close();
    }
  }

  async function jumpOnce(jump: Jump, client: ControlClient) {
    const { ms, asleep } = JUMPS[jump];
    const working = await client.ask('run', { agent: 'working' });
    await delay(chance.between(1_000, 2_500));
    const queued = await Promise.all([1, 2, 3].map(() => client.ask('run', { agent: 'queued' })));
    const before = now();
    const all = processesOf(home).map(({ pid }) => pid);
    if (asleep) signal(all, 'SIGSTOP');
    offset += ms;
    writeFileSync(offsetFile, `${offset < 0 ? '' : '+'}${offset / 1_000}`);
    if (asleep) {
      await delay(300);
      signal(all, 'SIGCONT');
    }
    const begun = performance.now();
    // Processes look at the file each second.
    await delay(1_100);
    const after = now();
    const isOver = async () => {
      const due = await Promise.all(Object.keys(SCHEDULES).map((agent) => slotsOf(agent, latest, after)));
      const rows = due.flat();
      const expected = Object.values(SCHEDULES).flatMap((one) => timesBetween(one, Math.max(latest, before), after));
      if (rows.length < expected.length || rows.some(({ state }) => state === 'planned')) return undefined;
      return rows;
    };
    let rows = await isOver();
    while (!rows && performance.now() - begun < 45_000) {
      await delay(100);
      rows = await isOver();
    }
    const { decided, job, waited, states } = raw[jump];
    if (rows) {
      decided.push(performance.now() - begun);
      states.push(...rows.filter(({ due }) => due > before).map(({ state }) => state));
    } else misfortune('slots that had come due were not decided within 45 s', jump);
    const asked = performance.now();
    const { state } = await client.ask('run', { agent: 'asked', wait: true });
    job.push(performance.now() - asked);
    if (state !== 'done') misfortune('a job that was asked for after a jump was not done', `${jump}: ${state}`);
    for (const { id } of queued) {
      const ended = async () => (await client.ask('job', { id })).state === 'done';
      while (!(await ended()) && performance.now() - begun < 30_000) await delay(50);
      if (!(await ended())) misfortune('a job waited for a clock that was set', `${jump}: ${id}`);
    }
    waited.push(performance.now() - begun);
    const finished = await client.ask('job', { id: working.id });
    if (finished.state === 'running') await delay(2_500);
    latest = Math.max(latest, after);
  }

  let pid: number | undefined;
  try {
    const guarded = await startGuarded({ main, home, env });
    pid = guarded.host();
    const client = await connected(home);
    const begunAt = now();
    latest = begunAt;
    await until(() => existsSync(join(home, RUNS_FILE)), 10_000);
    for (let made = 1; Object.values(left).some((times) => times > 0); made++) {
      const jump = chance.pick(left);
      left[jump]--;
      await jumpOnce(jump, client);
      if (guarded.host() !== pid) {
        misfortune('the guardian replaced a host whose clock was set', `${jump}: ${pid} by ${guarded.host()}`);
        pid = guarded.host();
      }
      if (made % 10 === 0) say(`${made} jumps, ${new Date(now()).toISOString()}`);
    }
    const end = latest - 10_000;
    client.close();
    const stopped = await guarded.stop();
    if (stopped.code !== 0) misfortune('a host that was asked to stop did not end with 0', `${stopped.code}`);
    return await outcome(begunAt + 1_000, end);
  } finally {
    killAll(home);
  }

  async function outcome(from: number, to: number): Promise<ClockOutcome> {
    const { jobs } = await readStore(storeFile);
    const runs = readFileSync(join(home, RUNS_FILE), 'utf8').trim().split('\n').map(runOf);
    const inAll = { slots: 0, missing: 0, doubles: 0, withoutEnd: 0, withoutReason: 0 };
    const states: string[] = [];
    for (const [agent, schedule] of Object.entries(SCHEDULES)) {
      const rows = new Map((await slotsOf(agent, from, to)).map((row) => [row.due, row]));
      const expected = timesBetween(schedule, from, to);
      inAll.slots += expected.length;
      for (const due of expected) {
        const row = rows.get(due);
        if (!row) inAll.missing++;
        else {
          states.push(row.state);
          if (row.state === 'planned') inAll.withoutEnd++;
          if (row.job === null && row.reason === null) inAll.withoutReason++;
        }
      }
    }
    const scheduled = jobs.filter(({ slot }) => slot !== null);
    inAll.doubles = scheduled.length - new Set(scheduled.map(({ agent, slot }) => `${agent} ${slot}`)).size;
    const attempts = counted(runs.filter(({ agent }) => agent === 'working').map(({ job }) => job));
    const working = jobs.filter(({ agent }) => agent === 'working');
    const disturbed = working.filter(
      ({ id, state, attempt }) => state !== 'done' || attempt !== 1 || attempts[id] !== 1,
    );
    const found: Broken = {
      'a slot without a row': Array(inAll.missing).fill(''),
      'two jobs for one slot': Array(inAll.doubles).fill(''),
      'a slot without an end': Array(inAll.withoutEnd).fill(''),
      'a slot that did not run, and nobody says why': Array(inAll.withoutReason).fill(''),
      'a job at work was disturbed by a clock': disturbed.map(
        ({ id, state, attempt, error }) => `${id}: ${state} in attempt ${attempt} ${error?.message ?? ''}`,
      ),
      'a job ran twice': Object.entries(counted(runs.map(({ job }) => job)))
        .filter(([, count]) => count > 1)
        .map(([job]) => job),
    };
    return {
      jumps: Object.fromEntries(
        Object.entries(raw).map(([jump, { decided, job, waited, states: of }]) => [
          jump,
          {
            times: decided.length,
            decidedMs: spread(decided),
            jobMs: spread(job),
            queuedMs: spread(waited),
            slots: counted(of),
          },
        ]),
      ) as Record<Jump, JumpFigures>,
      inAll: {
        jumps: Object.values(raw).reduce((sum, { job }) => sum + job.length, 0),
        hostsReplaced: seen.timesOf('the guardian replaced a host whose clock was set'),
        ...inAll,
        byState: counted(states),
        atWork: working.length,
        disturbed: disturbed.length,
      },
      broken: seen.with(found),
    };
  }
}
