import type { Log } from '../../kernel/log.ts';
import type { Admission, CallEnd, OriginDown, Outage, Recovery } from '../../kernel/origin.ts';
import type { Time } from '../../kernel/time.ts';
import type { OriginSettings } from './terms.ts';

/**
 * Lets calls to other servers go out, or refuses them while their origin is down, for all workers alike. The calls answer at
 * once and never throw; the state is in memory, so that no call waits for a disk.
 */
export interface Origins {
  admit(call: AskedCall): Admission;
  /** Whether a call to the origin may go out now, without letting one out. `due`: it was down, and the next call is a probe. */
  stateOf(origin: string): { is: 'up'; pass: number } | { is: 'due' } | { is: 'down'; down: OriginDown };
  /** Takes the end of a call. The result is null unless the call failed and the origin is down: then another try is not worth it. */
  callEnded(call: EndedCall): OriginDown | null;
  /**
   * The time at which the job of a failed attempt may be tried again (epoch ms), and the origin that it waits for. undefined: no call
   * of the attempt was refused here, whatever its error says. The host asks before it tells {@link Origins.ended}.
   */
  heldUp(ref: CallAttempt, job: HeldJob): { until: number; origin: string } | undefined;
  /** Attempts that ended, in whichever way: a probe that one of them held is free again. Most never called anybody. */
  ended(attempts: readonly CallAttempt[]): void;
  /** The origins that agents called since the host started, at most 500: those that are down first, then the newest. */
  view(): OriginReport[];
  /** Outages of origins that healing has to know. */
  outages(): Outage[];
  /** The end of an origin's newest outage; undefined while the outage lasts, and when none is known. */
  recovery(origin: string): Recovery | undefined;
  /** The origin was down (since that time, epoch ms) when the host before this one ended: the first call to it is a probe. */
  suspect(origin: string, since: number): void;
  /** No agent calls the origin any more. */
  forget(origin: string): void;
}

export interface OriginsNeeds {
  time: Time;
  log: Log;
  /** The present settings: they may change while calls go out. */
  settings(): OriginSettings;
  /** An origin went down, was probed, or is back. Cheap, and told often. */
  changed(): void;
}

export interface CallAttempt {
  job: string;
  attempt: number;
}

export interface AskedCall extends CallAttempt {
  agent: string;
  origin: string;
  /** The longest that the call may take; default: that of the origin. A probe that takes longer is given up. */
  timeoutMs?: number;
  /** The call carries a secret that cannot be taken out: it goes to no other origin. */
  alone: boolean;
  /** True: the agent's `needs.net` names the origin. */
  mayReach(origin: string): boolean;
}

export interface EndedCall extends CallAttempt {
  /** The origin that the job asked for. */
  meant: string;
  /** The origin that was asked. */
  origin: string;
  pass: number;
  end: CallEnd;
}

export interface HeldJob {
  agent: string;
  mayReach(origin: string): boolean;
}

/** An origin and the ends of its calls since the host started. */
export interface OriginReport {
  origin: string;
  is: 'closed' | 'open' | 'half-open';
  /** The begin of the outage, epoch ms; null while the origin is up. */
  since: number | null;
  /** The time of the next probe, epoch ms; null while the origin is up, or a probe is out. */
  probeAt: number | null;
  /** The newest failure, kept when the origin is up again. */
  last: { at: number; what: string } | null;
  /** The origins that are asked while this one is down. */
  instead: readonly string[];
  calls: number;
  failures: number;
  refused: number;
  /** The time until the head of the answer, of the last 200 good calls; null without any. */
  p50Ms: number | null;
  p95Ms: number | null;
}
