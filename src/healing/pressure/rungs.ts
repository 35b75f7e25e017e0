import { MINUTE_MS } from '../../kernel/measures.ts';
import { PRESSURE_STEPS } from '../../kernel/pressure-steps.ts';
import type { PressedResource, Strain } from './strain.ts';

/** A step against pressure. */
export type PressureStep = (typeof PRESSURE_STEPS)[number];

/**
 * The steps that help each resource. A processor that is busy is shared by the kernel, and background work that waited for a
 * quiet machine might never start: only growth and catch-up, which end by themselves, wait for one.
 */
export const LADDERS: Readonly<Record<PressedResource, readonly PressureStep[]>> = {
  memory: PRESSURE_STEPS,
  disk: ['defer-background', 'pause-catch-up', 'refuse-sends'],
  cpu: ['hold-growth', 'pause-catch-up'],
  io: ['pause-catch-up'],
};

/** Where one resource stands on its ladder. */
export interface Climb {
  /** How many steps of its ladder are in force. */
  steps: number;
  /** Monotonic ms of the last change; -Infinity: there was none. */
  changedAt: number;
  /** The last change lifted a step. */
  isEasing: boolean;
  /** Monotonic ms since which it has been relieved; null: it is not. */
  relievedSince: number | null;
  /** Times in a row that it was pressed again soon after a step was lifted, 3 at most. */
  relapses: number;
}

interface LadderTerms {
  /** Steps of the ladder. */
  most: number;
  /** How long a resource has to be relieved before a step is lifted. */
  reliefMs: number;
}

const UP_MS = 10_000;
const UP_CRITICAL_MS = 2_000;
const MOST_RELAPSES = 3;
const FORGOTTEN_MS = 10 * MINUTE_MS;

/** The bounds of a ladder, for its page and its tests. */
export const LADDER_TIMES = { UP_MS, UP_CRITICAL_MS, FORGOTTEN_MS } as const;

export const FIRST_CLIMB: Climb = {
  steps: 0,
  changedAt: Number.NEGATIVE_INFINITY,
  isEasing: false,
  relievedSince: null,
  relapses: 0,
};

/**
 * Decides one look: at most one step up or down. Up: the first at once, each further one after 10 s of pressure, or 2 s
 * where it is critical. Down: after `reliefMs` of
 * relief for each step; a relapse doubles that, to eight times at most, until ten minutes were quiet.
 */
export function climb(before: Climb, strain: Strain, now: number, { most, reliefMs }: LadderTerms): Climb {
  const holdMs = reliefMs * 2 ** before.relapses;
  const relievedSince = strain === 'relieved' ? (before.relievedSince ?? now) : null;
  const sinceChange = now - before.changedAt;
  const waitMs = { critical: UP_CRITICAL_MS, pressed: UP_MS, strained: null, relieved: null }[strain];
  if (waitMs !== null && before.steps < most && (before.steps === 0 || sinceChange >= waitMs)) {
    const isRelapse = before.isEasing && sinceChange < 2 * holdMs;
    const relapses = isRelapse ? Math.min(before.relapses + 1, MOST_RELAPSES) : before.relapses;
    return { steps: before.steps + 1, changedAt: now, isEasing: false, relievedSince, relapses };
  }
  const isRelievedFor = relievedSince === null ? 0 : now - relievedSince;
  if (before.steps > 0 && isRelievedFor >= holdMs && sinceChange >= holdMs)
    return { steps: before.steps - 1, changedAt: now, isEasing: true, relievedSince, relapses: before.relapses };
  const isForgotten = before.steps === 0 && sinceChange >= FORGOTTEN_MS;
  return { ...before, relievedSince, relapses: isForgotten ? 0 : before.relapses };
}

/** The place of a step, from 1. */
export const rungOf = (step: PressureStep): number => PRESSURE_STEPS.indexOf(step) + 1;
