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
  /** The end of a call. Not null: it failed, and the origin is down: another try of the same is not worth it. */
  callEnded(call: EndedCall): OriginDown | null;
  /**
   * For an attempt that failed because it was refused: when its job may be tried again (epoch ms) and what it waits for.
   * undefined: it was not refused here, whatever its error says. Asked before {@link Origins.ended}.
   */
  heldUp(ref: CallAttempt, job: HeldJob): { until: number; origin: string } | undefined;
  /** Attempts that ended, in whichever way: a probe that one of them held is free again. Most never called anybody. */
  ended(attempts: readonly CallAttempt[]): void;
  /** Every origin that was asked since the host started, those that are down first, then the newest. At most 500. */
  view(): OriginReport[];
  /** Outages of origins that healing has to know. */
  outages(): Outage[];
  /** How the newest outage of an origin ended; undefined while it lasts, and when none is known. */
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
  /** Whether the agent's `needs.net` names the origin. */
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
  /** Epoch ms; null while it is not down. */
  since: number | null;
  /** When the next call goes out to see, epoch ms; null while it is not down, or a call is out. */
  probeAt: number | null;
  /** The newest failure, also of one that is well again. */
  last: { at: number; what: string } | null;
  /** The origins that are asked while this one is down. */
  instead: readonly string[];
  calls: number;
  failures: number;
  refused: number;
  /** Until the head of the answer, of the last 200 good calls; null without any. */
  p50Ms: number | null;
  p95Ms: number | null;
}
