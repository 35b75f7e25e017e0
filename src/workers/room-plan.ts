import type { AgentClass } from '../jobs/agent.ts';
import { CLASS_DELAY_MS, inTurn, turnOf, type WaitingAgent } from '../jobs/fairness.ts';

/** A worker that has a place on the host. Times are monotonic ms. */
export interface PlacedWorker {
  id: number;
  agent: string;
  class: AgentClass;
  /** Since when it has its place. */
  since: number;
  /** Since when it is without work; null: it has some, or starts. */
  idleSince: number | null;
  /** The worker takes no more and goes when it has done what it holds. */
  isLeaving: boolean;
  /** The agent keeps the worker warm though it has no work. */
  isKept: boolean;
}

/** The host's workers, and the agents that have none and wait for a place. */
interface PlacesFacts {
  now: number;
  /** Workers that there may be at once. */
  most: number;
  workers: readonly PlacedWorker[];
  waiting: readonly WaitingAgent[];
}

/** The agents that get a worker now, and the workers that are to make room after the job that they hold. */
interface PlacesPlan {
  start: string[];
  drain: number[];
}

/** A worker with work keeps its place for this long, in ms: a new one costs 30 to 50 ms, which is then 3 % at most. */
export const SLICE_MS = 2_000;

/**
 * Gives places to the agents that wait, in the order of their turns. Where there are too few, workers make room: first those
 * without work, the longest idle first, those that are kept warm last of them; then, between two jobs, those that have had their
 * slice, of the agents with most workers first. A worker with work makes room only for an agent that would come before its own
 * agent if that began to wait now. Pure.
 *
 * Laws: never more workers than `most` · no agent that waits is overtaken by one that comes after its turn · where jobs end,
 * each agent that waits gets a worker.
 */
export function planRoom({ now, most, workers, waiting }: PlacesFacts): PlacesPlan {
  const line = inTurn(waiting);
  const free = Math.max(0, most - workers.length);
  const start = line.slice(0, free).map(({ agent }) => agent);
  const leaving = workers.filter(({ isLeaving }) => isLeaving).length;
  // Places that are on their way go to the first who wait for one.
  const short = line.slice(free + Math.max(0, leaving - Math.max(0, workers.length - most)));
  const drain: number[] = [];
  const left = new Map(countsOf(workers));
  const candidates = new Set(workers.filter((worker) => !worker.isLeaving && mayGo(worker, now)));
  for (const one of short) {
    // A thousand agents may wait, and mostly no worker can go for any of them.
    if (candidates.size === 0) break;
    const next = [...candidates]
      .filter((worker) => mayGoFor(worker, one, now))
      .sort((a, b) => rankOf(a, left) - rankOf(b, left) || sinceOf(a) - sinceOf(b) || a.id - b.id)[0];
    if (!next) continue;
    candidates.delete(next);
    drain.push(next.id);
    left.set(next.agent, left.get(next.agent)! - 1);
  }
  return { start, drain };
}

/** Whether the worker could make room for some agent. */
export function mayGo({ idleSince, since }: PlacedWorker, now: number): boolean {
  return idleSince !== null || now - since >= SLICE_MS;
}

function mayGoFor(worker: PlacedWorker, waiting: WaitingAgent, now: number): boolean {
  if (worker.agent === waiting.agent || !mayGo(worker, now)) return false;
  return worker.idleSince !== null || turnOf(waiting) <= now + CLASS_DELAY_MS[worker.class];
}

/** The lower, the sooner it goes. Below 0: it has no work. */
function rankOf(worker: PlacedWorker, left: ReadonlyMap<string, number>): number {
  if (worker.idleSince !== null) return worker.isKept ? -1 : -2;
  return 1 / left.get(worker.agent)!;
}

function sinceOf({ idleSince, since }: PlacedWorker): number {
  return idleSince ?? since;
}

function countsOf(workers: readonly PlacedWorker[]): [string, number][] {
  return [...Map.groupBy(workers, ({ agent }) => agent)].map(([agent, own]) => [agent, own.length]);
}
