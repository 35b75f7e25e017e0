import type { Job } from '../../src/jobs/model.ts';
import type { Slot } from '../../src/schedule/ports.ts';
import type { Effect, Run } from './ledgers.ts';
import { KINDS, RECEIVER, SCHEDULED } from './plugins.ts';

/** The jobs as the outside knows them, and as the store says. */
export interface Facts {
  /** Accepted jobs by the key of their order. */
  accepted: ReadonlyMap<string, { agent: string; id: string }>;
  jobs: Job[];
  /** Of the scheduled agent, in order. */
  slots: Slot[];
  runs: Run[];
  effects: Effect[];
  /** Ends that were seen earlier, by job. */
  endedBefore: ReadonlyMap<string, string>;
  now: number;
}

/** A promise that was broken, and each time that it was. */
export type Broken = Record<string, string[]>;

const ENDED = ['done', 'dead', 'cancelled'];
/** Why a job may be dead whose plugin does nothing wrong: what it is told when something was killed under it. */
const TOLD = ['HOST_LOST', 'CELL_LOST', 'CRASHED', 'EffectUnknown', 'EFFECT_UNKNOWN'];
/** Slots of the last moments before the host was stopped may be undecided, and their jobs unfinished. */
const FRESH_MS = 5_000;

/** Promises that hold at any moment, whatever was killed. */
export function checkAlways({ accepted, jobs, runs, effects, endedBefore }: Facts): Broken {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const lost = [...accepted].filter(([key, { id }]) => byId.get(id)?.key !== key);
  const keyed = jobs.filter(({ key }) => key !== null).map(({ agent, key }) => `${agent} ${key}`);
  const changed = [...endedBefore].filter(([id, end]) => byId.has(id) && endOf(byId.get(id)!) !== end);
  const vanished = [...endedBefore.keys()].filter((id) => !byId.has(id));
  return {
    'accepted, and not in the store': lost.map(([key, { id }]) => `${key} (${id})`),
    'two jobs for one key': repeated(keyed),
    'ended, and changed after it': [
      ...changed.map(([id, end]) => `${id}: ${end}, then ${endOf(byId.get(id)!)}`),
      ...vanished,
    ],
    'more attempts than allowed': jobs.filter((job) => job.attempt > job.attempts).map(({ id }) => id),
    'one attempt run twice': repeated(runs.map(({ job, attempt }) => `${job} attempt ${attempt}`)),
    'a run of no accepted job': runs.filter(({ job }) => !byId.has(job)).map(({ job }) => job),
    'an effect repeated without being told': repeated(
      effects.filter(({ ifUnknown }) => ifUnknown !== 'repeat').map(({ job, key }) => `${job} ${key}`),
    ),
  };
}

/** Promises that hold when everything has had time to come to its end. */
export function checkAtRest(facts: Facts): Broken {
  const { jobs, runs, effects, slots, now } = facts;
  const ran = new Set(runs.map(({ job, attempt }) => `${job} ${attempt}`));
  const performed = new Set(effects.map(({ job, key }) => `${job} ${key}`));
  const done = jobs.filter(({ state }) => state === 'done');
  const received = new Set(jobs.filter(({ agent }) => agent === RECEIVER).map(({ key }) => key));
  const counts = done.filter(({ agent }) => agent === 'counter').map(({ result }) => result!);
  return {
    ...checkAlways(facts),
    'stuck: it never ended': jobs
      .filter((job) => !ENDED.includes(job.state) && !isFresh(job, now))
      .map((job) => `${job.id} of ${job.agent} is ${job.state}`),
    'ended otherwise than its plugin says': jobs
      .filter(isWrongEnd)
      .map((job) => `${job.id} of ${job.agent}: ${endOf(job)}`),
    'done, and its last attempt never ran': done
      .filter(({ id, attempt }) => !ran.has(`${id} ${attempt}`))
      .map(({ id }) => id),
    'done, and its effect was not performed': done
      .filter((job) => job.agent === 'effect' && !/skip/.test(job.input!))
      .flatMap(({ id }) => ['first', 'second'].map((key) => `${id} ${key}`))
      .filter((effect) => !performed.has(effect)),
    'done, and what it sent is not there': done
      .filter(({ agent, id }) => agent === 'sender' && !received.has(id))
      .map(({ id }) => id),
    'a state that was lost': repeated(counts),
    ...checkSlots(slots, jobs, now),
  };
}

function checkSlots(slots: Slot[], jobs: Job[], now: number): Broken {
  const past = slots.filter(({ due }) => due <= now - FRESH_MS);
  const holes = past.slice(1).flatMap(({ due }, at) => {
    const before = past[at]!.due;
    return due - before === 1_000 ? [] : [`nothing between ${iso(before)} and ${iso(due)}`];
  });
  const forSlots = jobs.filter(({ agent, slot }) => agent === SCHEDULED && slot !== null);
  const known = new Set(slots.map(({ job }) => job));
  return {
    'a hole between slots': holes,
    'a slot without an end': past.filter(({ state }) => state === 'planned').map(({ due }) => iso(due)),
    'two jobs for one slot': repeated(forSlots.map(({ slot }) => iso(slot!))),
    'a job that no slot knows': forSlots.filter(({ id }) => !known.has(id)).map(({ id }) => id),
  };
}

/** Runs beyond the first of jobs whose plugins never fail by themselves: the honest price of "at least once". */
export function repeatedRuns(runs: Run[]): number {
  const steady = runs.filter(({ agent }) =>
    ['quick', 'slow', 'sender', 'counter', 'effect', RECEIVER, SCHEDULED].includes(agent),
  );
  return steady.length - new Set(steady.map(({ job }) => job)).size;
}

/** Without the promises that hold. */
export function onlyBroken(all: Broken): Broken {
  return Object.fromEntries(Object.entries(all).filter(([, times]) => times.length > 0));
}

/** How a job ended, to be compared later; undefined while it has not. */
export function endOf(job: Job): string | undefined {
  if (!ENDED.includes(job.state)) return undefined;
  return `${job.state} at ${job.finishedAt} in attempt ${job.attempt}${job.error ? `: ${job.error.code} ${job.error.message}` : ''}`;
}

/** A job of a schedule that is still going on. */
export function isFresh({ slot }: Pick<Job, 'slot'>, now: number): boolean {
  return slot !== null && slot > now - FRESH_MS;
}

function isWrongEnd(job: Job): boolean {
  const ends = job.agent in KINDS ? KINDS[job.agent as keyof typeof KINDS].ends : 'done';
  if (job.state === ends || !ENDED.includes(job.state)) return false;
  const isReported = job.error !== null && TOLD.includes(job.error.code);
  return !(job.state === 'dead' && isReported);
}

function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.filter((name) => seen.has(name) || !seen.add(name));
}

const iso = (at: number) => new Date(at).toISOString();
