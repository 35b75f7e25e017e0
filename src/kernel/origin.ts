import type { PlainFault } from './fault.ts';
import { isoOf } from './instant.ts';
import { type Check, isAmount, mismatchOf, oneOf, orNone, shapeOf } from './shape.ts';

/** The answer to a call that wants to go out. */
export type Admission =
  | {
      is: 'go';
      /** The origin that was meant, or the next in its chain. */
      origin: string;
      /** Names this leave; goes back with what came of the call. */
      pass: number;
      /** Whether it may take its credentials along. Always for the origin that was meant. */
      credentials: boolean;
      /** How often a call that does no harm when it is repeated is tried in all. */
      attempts: number;
      /** The longest that one try may take until its answer begins, and that the answer may be silent, in ms. */
      timeoutMs: number;
      /** How long the server may take before it counts as failing: a call that waits for less says nothing about it. */
      failsAfterMs: number;
    }
  | { is: 'down'; down: OriginDown };

/** The end of a call that was let go out. `gone`: its job ended before anybody knew. */
export type CallEnd =
  | { is: 'good'; ms: number }
  | { is: 'bad'; ms: number; failure: CallFailure }
  | { is: 'gone'; ms: number };

/** Why a call counts as failed: no connection, no answer in time, a status of 500 or more, or 429. */
export interface CallFailure {
  /** `connect ECONNREFUSED 127.0.0.1:80`, `503 Service Unavailable`, `no answer within 30s`. */
  what: string;
  status?: number;
  /** The pause that the server asked for by Retry-After. */
  retryAfterMs?: number;
}

/** Checks a {@link CallEnd} that another process sent. `what`: the check of the words of a failure. */
export function callEndCheck(what: Check): Check {
  const count: Check = (said) => Number.isSafeInteger(said) && (said as number) >= 0;
  const failure = shapeOf({ what, status: orNone(count), retryAfterMs: orNone(isAmount) });
  return (said) =>
    mismatchOf(said, { is: oneOf(['good', 'bad', 'gone']), ms: isAmount }) === undefined &&
    ((said as { is: string }).is !== 'bad' || failure((said as { failure?: unknown }).failure));
}

/** An origin that is not asked for now. Times are epoch ms. */
export interface OriginDown {
  origin: string;
  since: number;
  /** When it is worth to come back. */
  retryAt: number;
  /** The newest failure. */
  last: string;
  /** Origins of its chain that this agent may not reach. */
  barred: string[];
}

/** An origin that is down, as its incident shows it. Times are epoch ms. */
export interface Outage {
  /** Of models: the name of the chain or of a budget. */
  origin: string;
  since: number;
  /** Probes that failed. */
  tries: number;
  /** null: a probe is out. */
  probeAt: number | null;
  /** When an agent last asked for it. */
  askedAt: number;
  /** The newest failures, oldest first, at most 5. */
  failures: { at: number; what: string; status?: number }[];
  /** Since it went down, at most 50. */
  agents: string[];
  /** Calls that were refused, and calls that went to the next in its chain, since it went down. */
  refused: number;
  diverted: number;
  /** Jobs that waited for it, at most 1,000. */
  jobs: string[];
  instead: readonly string[];
  /** Of `instead`: who is not used, and by which agent. */
  barred: { origin: string; agent: string }[];
  /** In place of the words on who is asked instead. */
  note?: string;
}

/** An origin that answers again, with what waited for it. Times are epoch ms. */
export interface Recovery {
  origin: string;
  since: number;
  /** When a probe was answered well. */
  at: number;
  /** The attempt that made the call. */
  agent: string;
  refused: number;
  diverted: number;
  jobs: number;
  /** The end, in place of the words on the call that was answered. */
  how?: string;
}

/** `https://api.example:8443` (scheme, host and port) of a URL that goes out by HTTP; null for any other text. */
export function originOf(url: string): string | null {
  const parsed = URL.parse(url);
  return parsed && (parsed.protocol === 'http:' || parsed.protocol === 'https:') ? parsed.origin : null;
}

/** `postgres://db.example:5432`; an IPv6 address in brackets. */
const POSTGRES = /^postgres:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+):\d{1,5}$/;

/** The origin of a PostgreSQL server, as {@link originOf} names those of HTTP. */
export function postgresOrigin(host: string, port: number): string {
  return `postgres://${(host.includes(':') ? `[${host}]` : host).toLowerCase()}:${port}`;
}

/** Whether a text is an origin: scheme, host and port of an HTTP or PostgreSQL server, and no more. */
export function isOrigin(text: string): boolean {
  return originOf(text) === text || POSTGRES.test(text);
}

/** The code of the fault with which a call is refused. */
export const ORIGIN_DOWN = 'ORIGIN_DOWN';

/** The fault of a call to an origin that is down. */
export function originDown({ origin, since, retryAt, last, barred }: OriginDown): PlainFault {
  const unused = barred.length > 0 ? `; ${barred.join(', ')} may not be asked instead: not in needs.net` : '';
  return {
    code: ORIGIN_DOWN,
    message: `${origin} is down since ${isoOf(since)}, next asked at ${isoOf(retryAt)} (last: ${last})${unused}`,
    next: 'nothing: a job that fails of it waits and loses no attempt; daruma status tells when it is back',
    data: { origin, since: isoOf(since), retryAt: isoOf(retryAt), last, ...(barred.length > 0 ? { barred } : {}) },
  };
}

/** Whether only this machine can reach an address to listen on. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
