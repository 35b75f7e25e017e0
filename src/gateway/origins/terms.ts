import type { BreakerTerms } from './breaker.ts';

/** The terms by which calls go out to one origin. */
export interface OriginTerms extends BreakerTerms {
  /** The number of tries of a call that may be repeated, the first included. */
  attempts: number;
  /** The longest that one try may take until its answer begins, and that the answer may be silent, in ms, unless the call says otherwise. */
  timeoutMs: number;
  /** The origins that are asked while this one is down, in order. */
  instead: readonly string[];
  /** True: the origins of `instead` get the credentials of a call. */
  credentials: boolean;
}

/**
 * Defaults where config/daruma.yaml says nothing, with their reasons.
 *
 * - `failures` 3: what a job with three attempts has; it must not be dead before its provider counts as down.
 * - `rate` a half of at least 20 calls in a minute: a server that answers every other call is of no use, and with fewer
 *   calls the row of failures tells better.
 * - `pause` 5 s, doubled up to 5 min: a restart of a server costs seconds, and who is down for an hour is asked
 *   seventeen times, not thousands. The last pause is also how long a recovery may go unnoticed, ± 25 %.
 * - `longestAskedMs` 15 min: a Retry-After is obeyed, but the one on a maintenance page that says an hour must not cost
 *   an hour when the work is done after two minutes.
 * - `attempts` 3: a dropped packet or a restart behind a load balancer is over within a second.
 */
export const ORIGIN_DEFAULTS: OriginTerms = {
  failures: 3,
  rate: 0.5,
  calls: 20,
  windowMs: 60_000,
  pause: { first: 5_000, longest: 300_000 },
  longestAskedMs: 900_000,
  attempts: 3,
  timeoutMs: 30_000,
  instead: [],
  credentials: false,
};

/** The settings of origins in config/daruma.yaml; `*` stands for all origins. */
export type OriginSettings = Readonly<
  Record<string, Partial<Omit<OriginTerms, 'pause'>> & { pause?: Partial<OriginTerms['pause']> }>
>;

/** The terms of an origin: its own settings, else those of all origins, else the defaults. */
export function termsFor(origin: string, settings: OriginSettings): OriginTerms {
  const all = settings['*'];
  const own = settings[origin];
  const pause = { ...ORIGIN_DEFAULTS.pause, ...all?.pause, ...own?.pause };
  return { ...ORIGIN_DEFAULTS, ...all, ...own, pause };
}
