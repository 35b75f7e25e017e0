import type { PlainFault } from './fault.ts';
import { HOUR_MS, MINUTE_MS } from './measures.ts';
import type { Service } from './service.ts';

/**
 * Messages between the host and its guardian, lines of JSON over one pipe. The guardian speaks first and once
 * ({@link GuardianOrders}); the host goes on for as long as it lives ({@link FromHost}).
 */
export interface GuardianOrders {
  /** Process id of the guardian. */
  guardian: number;
  /** A host of this guardian ran before: its lock may take a moment to be free. */
  restart: boolean;
  /** Start with every agent paused, because a person asked for it. */
  safe: boolean;
  /** The hosts that ended since the last one that worked, oldest first. */
  lost: HostEndRecord[];
}

/**
 * `pulse`: once a second, from its first moment on · `ready`: it works · `stopping`: it was asked to end, by a person's wish or by a signal that may have come from anywhere · `refused`: it
 * cannot start, and why · `deadman`: whom to ping outside while all is well · `final`: it ends for good, because what it stands on is gone, and no other one may take its place.
 */
export type FromHost =
  | { is: 'pulse'; ages: LoopAges }
  | { is: 'ready' }
  | { is: 'stopping'; isWished: boolean }
  | { is: 'refused'; fault: PlainFault }
  | { is: 'deadman'; terms: DeadManTerms | null }
  | { is: 'final'; fault: PlainFault };

/** An address outside of this machine, a secret, and how often it is pinged. */
export interface DeadManTerms {
  /** Without a slash at its end. */
  url: string;
  everyMs: number;
}

/** How long ago each loop of the host last turned, in ms. */
export type LoopAges = Record<string, number>;

/** How long ago each of the services last turned, at `now` of `time.monotonic()`; those that are not started are left out. */
export function loopAgesOf(services: ReadonlyMap<string, Service>, now: number): LoopAges {
  const ages: LoopAges = {};
  for (const [name, service] of services) {
    const turned = service.alive();
    if (turned !== undefined) ages[name] = Math.max(0, Math.round(now - turned));
  }
  return ages;
}

/** The record of a host that ended unasked. */
export interface HostEndRecord {
  pid: number | null;
  /** Epoch ms of its end, or of when it was noticed. */
  at: number;
  code: number | null;
  signal: string | null;
  /** How long it lived, in ms; null when that is not known. */
  uptimeMs: number | null;
  /** A sentence without a subject: `was killed by SIGKILL`. */
  why: string;
  /** The end of what it wrote on stderr. */
  stderr: string;
}

/**
 * The exit code of a host that a signal has ended, 128 + SIGTERM. systemd's unit counts it as no failure; both systemd and a
 * guardian start the next host unless the signal was theirs.
 */
export const EXIT_SIGNALLED = 143;

/** How often the host gives a sign of life. */
export const PULSE_MS = 1_000;

/**
 * How long a loop may stand still, in ms. The schedule sleeps 30 s at most, jobs are swept every 10 s, workers looked
 * over every second, the store asked every 5 s. Loops that are not named may wait for a slow folder for as long as they
 * like: a new host would wait for it too.
 */
export const LOOP_WITHIN_MS: Readonly<Record<string, number>> = {
  schedule: 45_000,
  jobs: 30_000,
  workers: 10_000,
  store: 20_000,
};

/** The time that each loop may stand still, in ms; some five of its turns, and no less than the guardian allows. */
const LOOP_HEALTHY_MS: Readonly<Record<string, number>> = {
  ...LOOP_WITHIN_MS,
  pulse: 10_000,
  web: MINUTE_MS,
  'held files': 30_000,
  healing: MINUTE_MS,
  pressure: MINUTE_MS,
  secrets: MINUTE_MS,
  probation: MINUTE_MS,
  'config probation': MINUTE_MS,
  heartbeats: MINUTE_MS,
  exec: MINUTE_MS,
  aggregation: 5 * MINUTE_MS,
  alerts: 2 * MINUTE_MS,
  ledger: MINUTE_MS,
  usage: 5 * MINUTE_MS,
  pauses: 5 * MINUTE_MS,
  catalog: 5 * MINUTE_MS,
  retention: 2 * HOUR_MS,
};
/** The time that a loop without a row may stand still. */
const ANY_LOOP_HEALTHY_MS = 10 * MINUTE_MS;

/** Whether a loop that last turned so long ago turns as it should: health and the dead man judge by it. */
export function isTurning(name: string, agoMs: number): boolean {
  return agoMs <= (LOOP_HEALTHY_MS[name] ?? ANY_LOOP_HEALTHY_MS);
}

/** After a machine that slept the pulse may be quicker than the loops; so many in a row have to say the same. */
export const PULSES_TO_BELIEVE = 3;

/** A loop that stood still for too long in each of the last `pulses`. */
export interface StalledLoop {
  loop: string;
  ageMs: number;
  pulses: number;
}

/** The loop that is overdue after one more pulse; the one before goes first as long as it still is. */
export function overdueAfter(before: StalledLoop | undefined, ages: LoopAges): StalledLoop | undefined {
  const late = Object.keys(ages).filter((loop) => ages[loop]! > (LOOP_WITHIN_MS[loop] ?? Number.POSITIVE_INFINITY));
  if (late.length === 0) return undefined;
  const loop = before && late.includes(before.loop) ? before.loop : late[0]!;
  return { loop, ageMs: ages[loop]!, pulses: loop === before?.loop ? before.pulses + 1 : 1 };
}

/** Whether it was said often enough to be acted on. */
export function isStalled(overdue: StalledLoop | undefined): overdue is StalledLoop {
  return overdue !== undefined && overdue.pulses >= PULSES_TO_BELIEVE;
}

/** Takes text in pieces and calls back with each whole line of JSON; what is none is passed over. */
export function jsonLines<T>(call: (line: T) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const value = parsed(line);
      if (typeof value === 'object' && value !== null) call(value as T);
    }
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
