import { HOUR_TERMS, riseOf } from '../../healing/long-look.ts';
import { HOUR_MS } from '../../kernel/measures.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Aggregate } from '../../telemetry/ports.ts';
import { fingerprintOfWarning, type SeenWarning } from '../../telemetry/warnings/warning.ts';

/** The limits of an agent's figures. `timeoutMs` null: its jobs may last for ever. */
interface HourLimits {
  timeoutMs: number | null;
}

/** Healing calls work late that waits for longer. */
const LATE_MS = 60_000;
/** An hour of fewer attempts has no figures. */
const LEAST_ATTEMPTS = 20;

interface Figure {
  quantity: 'duration' | 'wait' | 'errors';
  /** The figure of an hour; null: it has none. */
  of(hour: Aggregate): number | null;
  limit: number;
  /** The quantity grows by shares of itself: its logarithm is a straight line. */
  isRelative: boolean;
  text(agent: string, value: number): string;
  next(agent: string): string;
}

function figuresOf({ timeoutMs }: HourLimits): Figure[] {
  const wait: Figure = {
    ...{ quantity: 'wait', limit: LATE_MS, isRelative: true, of: ({ lateP95Ms }) => lateP95Ms },
    text: (agent, value) =>
      `jobs of ${agent} wait longer from hour to hour: p95 ${formatDuration(value)}, late from 1m on`,
    next: (agent) => `daruma status ${agent}; workers.max lets it do more at once`,
  };
  const errors: Figure = {
    ...{ quantity: 'errors', limit: 1, isRelative: false },
    of: ({ done, failedAttempts }) => failedAttempts / (done + failedAttempts),
    text: (agent, value) => `more attempts of ${agent} fail from hour to hour: ${(value * 100).toFixed(1)} %`,
    next: (agent) => `daruma logs ${agent} --level error`,
  };
  if (timeoutMs === null) return [wait, errors];
  const duration: Figure = {
    ...{ quantity: 'duration', limit: timeoutMs, isRelative: true, of: ({ p95Ms }) => p95Ms },
    text: (agent, value) =>
      `jobs of ${agent} take longer from hour to hour: p95 ${formatDuration(value)}, timeout ${formatDuration(timeoutMs)}`,
    next: (agent) => `daruma status ${agent}; the page Trends shows since when`,
  };
  return [duration, wait, errors];
}

/** Figures of an agent that rise for a day and reach their limit within two: `hours` are its hours of two days, oldest first. */
export function hourlyRises(
  agent: string,
  hours: readonly Aggregate[],
  limits: HourLimits,
  now: number,
): SeenWarning[] {
  const whole = hours.filter(
    ({ start, done, failedAttempts }) => start + HOUR_MS <= now && done + failedAttempts >= LEAST_ATTEMPTS,
  );
  return figuresOf(limits).flatMap((figure) => riseSeen(agent, whole, figure, now));
}

function riseSeen(agent: string, hours: readonly Aggregate[], figure: Figure, now: number): SeenWarning[] {
  const { quantity, limit, isRelative } = figure;
  const scale = (value: number) => (isRelative ? Math.log1p(value) : value);
  const edges = hours.flatMap((hour) => {
    const value = figure.of(hour);
    return value === null ? [] : [{ at: hour.start, value: scale(value), series: agent, figure: value }];
  });
  const last = edges.at(-1);
  if (!last) return [];
  const terms = { now: last.at, limit: scale(limit), series: agent, isEdgeDone: true, terms: HOUR_TERMS };
  const rise = riseOf(null, edges, terms);
  if (!rise) return [];
  return [
    {
      fingerprint: fingerprintOfWarning(quantity, agent),
      ...{ agent, quantity, word: 'leaking', hitsAt: now + rise.leftMs },
      text: figure.text(agent, last.figure),
      next: figure.next(agent),
    },
  ];
}
