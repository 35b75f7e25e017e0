import { join } from 'node:path';
import { type ControlClient, connectControl } from '../../src/control/client.ts';
import { socketPath } from '../../src/control/place.ts';
import {
  type Broken,
  checkAlways,
  checkAtRest,
  endOf,
  type Facts,
  isFresh,
  onlyBroken,
  repeatedRuns,
} from './check.ts';
import { delay } from './delay.ts';
import { processesOf, signal } from './host-process.ts';
import { createLoad, type Load, type LoadOptions } from './load.ts';
import { counted } from './spread.ts';

/** Everything has to have come to its end this long after the last fault. */
const REST_MS = 90_000;

/** An installation under load, and each promise that it was seen to break. */
export interface Trial extends Load, Misfortunes {
  home: string;
  /**
   * The words of both sides, as of now. Broken promises of those that hold at any moment are noted; ends are compared
   * the next time.
   */
  check(): Promise<{ facts: Facts; holds: boolean }>;
  /** Waits until every job has its end; no new order comes, and no fault. */
  rest(client: ControlClient): Promise<void>;
  /** The findings at rest, and the figures that every fault has. */
  end(): Promise<{ facts: Facts; broken: Broken; figures: LoadFigures }>;
  /** Kills what is left of the installation. */
  over(): Promise<void>;
}

export type LoadFigures = ReturnType<typeof figuresOf>;

/** `home` by default: `home` in `folder`. */
export type TrialOptions = Omit<LoadOptions, 'home'> & { home?: string; say(line: string): void };

export function createTrial({ say, ...options }: TrialOptions): Trial {
  const home = options.home ?? join(options.folder, 'home');
  const load = createLoad({ ...options, home });
  const seen = createMisfortunes(say);
  return {
    ...load,
    ...seen,
    home,
    async check() {
      const before = new Map(load.accepted);
      const facts = await load.gather();
      const found = Object.entries(checkAlways({ ...facts, accepted: before }));
      for (const [promise, times] of found) for (const what of times) seen.misfortune(promise, what);
      for (const job of facts.jobs) {
        const end = endOf(job);
        if (end) load.endedBefore.set(job.id, end);
      }
      return { facts, holds: Object.keys(seen.with({})).length === 0 };
    },
    async rest(client) {
      for (const deadline = performance.now() + REST_MS; performance.now() < deadline; await delay(200)) {
        const open = await client.ask('jobs', { states: ['queued', 'running', 'retrying'], limit: 100 });
        if (open.every(({ slot }) => isFresh({ slot: slot === null ? null : Date.parse(slot) }, Date.now()))) return;
      }
    },
    async end() {
      const facts = await load.gather();
      const broken = seen.with(checkAtRest(facts), load.contradictions);
      return { facts, broken, figures: figuresOf(load, facts, broken) };
    },
    async over() {
      await load.producer.pause();
      killAll(home);
      load.close();
    },
  };
}

function figuresOf({ producer, accepted }: Load, facts: Facts, broken: Broken) {
  const dead = facts.jobs.filter(({ state }) => state === 'dead');
  return {
    orders: producer.orders(),
    accepted: accepted.size,
    acceptedAndLost: (broken['accepted, and not in the store'] ?? []).length,
    refusals: producer.refusals,
    slots: counted(facts.slots.map(({ state }) => state)),
    jobs: counted(facts.jobs.map(({ state }) => state)),
    deadBecause: counted(dead.map(({ error }) => error?.code ?? 'none')),
    runs: facts.runs.length,
    repeatedRuns: repeatedRuns(facts.runs),
    effects: facts.effects.length,
  };
}

/** Promises that were seen broken on the way. */
export interface Misfortunes {
  misfortune(promise: string, what: string): void;
  timesOf(promise: string): number;
  /** All findings together with `found`, without the promises that hold. */
  with(found: Broken, contradictions?: readonly string[]): Broken;
}

export function createMisfortunes(say: (line: string) => void): Misfortunes {
  const seen: Broken = {};
  return {
    misfortune(promise, what) {
      seen[promise] ??= [];
      seen[promise].push(what);
      say(`✗ ${promise}: ${what}`);
    },
    timesOf: (promise) => seen[promise]?.length ?? 0,
    with: (found, contradictions = []) =>
      onlyBroken({ ...found, ...seen, 'one key, two answers': [...contradictions] }),
  };
}

/** A client of the installation's host. */
export function connected(home: string): Promise<ControlClient> {
  return connectControl(socketPath(home));
}

/** SIGKILL for every process that works in the folder. */
export function killAll(home: string): void {
  signal(
    processesOf(home).map(({ pid }) => pid),
    'SIGKILL',
  );
}
