import { formatDuration } from '../kernel/units.ts';

/** How many due jobs of an agent waited at one look; `at` in epoch ms. */
export interface Waiting {
  at: number;
  count: number;
  dueSince: number;
}

/** A queue that grows without end, and where that leads. */
export interface Growth {
  count: number;
  /** Jobs that come, beyond those that are done, in a minute. */
  perMinute: number;
  /** How long the first of them has waited. */
  waitedMs: number;
  /** So many wait in an hour if it goes on like this. */
  inAnHour: number;
}

/** Looks of the last minute are compared; before, nobody knows. */
export const WINDOW_MS = 50_000;
/** So few that wait are no backlog. */
const FEWEST = 10;
/** So many looks at least. */
const LEAST_LOOKS = 4;

/**
 * Whether the queue grew through the whole window: each look found at least as many as the one before, the last one clearly
 * more than the first. A crowd that came at once and is worked off shrinks, and is none.
 */
export function growthOf(looks: readonly Waiting[], fewest = FEWEST): Growth | undefined {
  const first = looks[0];
  const last = looks.at(-1);
  if (!first || !last || looks.length < LEAST_LOOKS || last.at - first.at < WINDOW_MS * 0.75) return undefined;
  if (last.count < fewest || last.count - first.count < fewest / 2) return undefined;
  for (let i = 1; i < looks.length; i++) if (looks[i]!.count < looks[i - 1]!.count) return undefined;
  const perMinute = ((last.count - first.count) / (last.at - first.at)) * 60_000;
  return {
    count: last.count,
    perMinute,
    waitedMs: Math.max(0, last.at - last.dueSince),
    inAnHour: Math.round(last.count + perMinute * 60),
  };
}

/** The looks that still count, with one more. */
export function withLook(looks: readonly Waiting[], look: Waiting): Waiting[] {
  return [...looks.filter(({ at }) => at <= look.at && look.at - at <= WINDOW_MS), look];
}

/** `29 jobs wait and 43 more come a minute than it does; the first has waited 32s; at this pace 2609 wait in an hour` */
export function growthWords({ count, perMinute, waitedMs, inAnHour }: Growth): string {
  const more = Math.max(1, Math.round(perMinute));
  return `${count} jobs wait, and ${more} more a minute come than are done: it never catches up; the first has waited ${formatDuration(waitedMs)}, and at this pace ${inAnHour} wait in an hour`;
}
