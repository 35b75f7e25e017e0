import { type MachineZone, understandZone } from './cron/zone-name.ts';
import { DAY_MS } from './measures.ts';

/** Where time and chance come in: every service gets it, no decision reads a clock by itself. */
export interface Time {
  /** Wall clock, milliseconds since the epoch. The wall clock can jump. */
  now(): number;
  /** Milliseconds that only ever grow, for lengths of time. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as that is aborted. Keeps the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms` (capped at 24 days); the returned function cancels. Does not keep the process alive. */
  after(ms: number, call: () => void): () => void;
  /** A number in [0, 1). */
  random(): number;
}

const LONGEST_TIMER_MS = 24 * DAY_MS;

/** The machine's own time. */
export const machineTime: Time = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = setTimeout(done, Math.min(ms, LONGEST_TIMER_MS));
      signal?.addEventListener('abort', aborted, { once: true });
      function done() {
        signal?.removeEventListener('abort', aborted);
        resolve();
      }
      function aborted() {
        clearTimeout(timer);
        reject(signal!.reason);
      }
    });
  },
  after(ms, call) {
    const timer = setTimeout(call, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

let zone: MachineZone | undefined;

/**
 * The time zone of this machine: TZ where it is set, else /etc/localtime. An unknown name counts as UTC, with its problem.
 * Found out once in the life of a process.
 */
export function machineZone(): MachineZone {
  zone ??= understoodFrom(zoneOfNode);
  return zone;
}

/**
 * The zone of {@link machineZone}, without its problem, for a command that only writes times: `Intl.DateTimeFormat`, which
 * alone tells an unknown zone from UTC, takes 11 ms to load.
 */
export function zoneToWrite(): string {
  return understoodFrom(() => Temporal.Now.timeZoneId()).zone;
}

function understoodFrom(node: () => string | undefined): MachineZone {
  const tz = process.env.TZ;
  return understandZone({ tz, node, withoutTz });

  function withoutTz(): string | undefined {
    delete process.env.TZ;
    try {
      return node();
    } finally {
      process.env.TZ = tz;
    }
  }
}

/**
 * Makes the machine's zone that of all code in this process and of the processes that it starts: with an unknown name in TZ,
 * the clocks of plugins and of schedules would differ.
 */
export function settleMachineZone(): void {
  const { zone } = machineZone();
  if (zoneOfNode() !== zone) process.env.TZ = zone;
}

/** Undefined for a zone that Node does not know, whatever the types say. */
function zoneOfNode(): string | undefined {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}
