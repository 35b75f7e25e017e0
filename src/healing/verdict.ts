import { causeOf } from '../jobs/faults.ts';
import { mayHelp, type PlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { Evidence } from '../workers/ports.ts';
import type { Verdict } from './ports.ts';

const OF_CODES: Record<string, Verdict> = {
  CRASHED: 'crashed',
  BOOT_FAILED: 'crashed',
  MESSAGE_INVALID: 'crashed',
  OUT_OF_MEMORY: 'out-of-memory',
  OVER_LIMIT: 'over-limit',
  TIMEOUT: 'stuck',
  SILENT: 'silent',
  CELL_LOST: 'cell-lost',
  CHILDREN_LEFT: 'children-left',
  LEAKING: 'leaking',
  LATE: 'late',
  HOST_LOST: 'host-lost',
  PRESSED: 'pressed',
  DISK_SHORT: 'disk-short',
  BAD_VERSION: 'bad-version',
  BAD_CONFIG: 'bad-config',
  ORIGIN_DOWN: 'failing-over',
  CHAIN_TOO_DEEP: 'looping',
  CHAIN_TOO_FAST: 'looping',
  FALLING_BEHIND: 'falling-behind',
  UNSCHEDULED: 'unscheduled',
  ROWS_UNREADABLE: 'unreadable',
};

/** A plugin's error may carry any code, `constructor` among them. */
function knownAs(code: string): Verdict | undefined {
  return Object.hasOwn(OF_CODES, code) ? OF_CODES[code] : undefined;
}

/** Ends that a person or the host asked for, or that have an incident of their own. */
const WANTED = new Set([
  'CANCELLED',
  'REPLACED',
  'LEASE_LOST',
  'HOST_STOPPED',
  'RESTARTED',
  'RECYCLED',
  'ATTEMPT_ENDED',
  'SECRET_MISSING',
  'SECRET_UNREADABLE',
  // The incident of the machine tells of it.
  'MACHINE_MEMORY',
]);

/** Verdicts whose message changes from time to time while the trouble is the same. */
const VARYING_MESSAGES = new Set<Verdict>([
  'stuck',
  'silent',
  'over-limit',
  'out-of-memory',
  'cell-lost',
  'leaking',
  'late',
  'failing-over',
  'looping',
  'falling-behind',
  'unscheduled',
  'unreadable',
]);

/** Failures of attempts that have an incident of their own, once, and not for each attempt that they strike. */
const REPORTED_ONCE = new Set([
  'HOST_LOST',
  'ORIGIN_DOWN',
  'BUDGET_SPENT',
  'MODELS_DOWN',
  'CHAIN_TOO_DEEP',
  'CHAIN_TOO_FAST',
]);

/**
 * The verdict on the end of a worker; null for an end that was asked for, and for a fault of the programmer or the set-up. An
 * unknown code is a crash.
 */
export function verdictOfEnd(because: PlainFault): Verdict | null {
  // A fault that no other attempt can help makes a dead letter each time, and no restart or quarantine would change that.
  if (WANTED.has(because.code) || !mayHelp(because)) return null;
  return knownAs(because.code) ?? 'crashed';
}

/** The verdict on a worker whose attempt failed; null for an error that the plugin threw. */
export function verdictOfFailure(error: PlainFault | null | undefined): Verdict | null {
  return error && mayHelp(error) && !REPORTED_ONCE.has(error.code) ? (knownAs(error.code) ?? null) : null;
}

/** Whether this code is in the vocabulary: one that is not has no plain remedy that anybody chose. */
export function isKnown(because: PlainFault): boolean {
  return knownAs(because.code) !== undefined;
}

/**
 * The same text for signals of one kind and place of one agent: verdict, the author's line if it is known, and what was
 * said with figures and quotes taken out.
 */
export function fingerprintOf(
  agent: string | null,
  verdict: Verdict,
  because: PlainFault,
  evidence?: Evidence | null,
): string {
  // Origins may differ in nothing but a figure.
  const origin = typeof because.data?.origin === 'string' ? because.data.origin : '';
  const hot = evidence?.hot?.find(({ file }) => file !== null);
  const file = because.file ?? hot?.file ?? undefined;
  const line = because.line ?? hot?.line ?? undefined;
  return causeOf({
    code: `${verdict} ${because.code} ${agent ?? origin}`,
    message: VARYING_MESSAGES.has(verdict) ? '' : because.message,
    ...given({ file, line }),
  });
}

/** Whether an end counts against the restart budget of an agent. `hadJob`: a job of it was under way, or that is unknown. */
export function countsAsRestart(verdict: Verdict, hadJob: boolean): boolean {
  // A cell that is lost takes idle neighbours with it, who did nothing.
  return verdict !== 'cell-lost' || hadJob;
}
