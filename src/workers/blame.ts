import type { PlainFault } from '../kernel/fault.ts';
import type { Culprit } from './wire.ts';

/** How the end of a worker is put down to an attempt that had begun. */
export type Blame =
  /** The worker ended of the attempt, which has failed. */
  | { is: 'culprit'; why: PlainFault }
  /** The attempt ran beside the job that the worker ended of. */
  | { is: 'victim'; of: number }
  /** The worker may have ended of it, or of another one beside it. */
  | { is: 'suspect'; among: number };

interface WorkerLoss {
  /** Sequence numbers of the attempts that had begun. */
  begun: readonly number[];
  /** How many jobs the worker was to do side by side. */
  concurrency: number;
  because: PlainFault;
  /** Jobs that the cell names as the cause. */
  culprits: readonly Culprit[];
  /** Whether the worker of the job has ended before while it was alone. */
  isProven(seq: number): boolean;
}

/** Ends that come to all jobs of a worker alike, or before any of them has begun. */
const OF_ALL: ReadonlySet<string> = new Set(['HOST_STOPPED', 'RESTARTED', 'BOOT_FAILED', 'MACHINE_MEMORY']);

/**
 * Decides which of the jobs of a worker its end is put down to: those that the cell names, else those that are known to end
 * their workers, else nobody knows. An attempt is never let off where it was alone.
 */
export function blameOf({ begun, concurrency, because, culprits, isProven }: WorkerLoss): Map<number, Blame> {
  const named = culprits.filter(({ seq }) => begun.includes(seq));
  const known = named.length > 0 ? named : begun.filter(isProven).map((seq) => ({ seq, why: because }));
  const isOfAll = begun.length < 2 || concurrency === 1 || OF_ALL.has(because.code);
  return new Map(
    begun.map((seq): [number, Blame] => {
      if (isOfAll) return [seq, { is: 'culprit', why: because }];
      if (known.length === 0) return [seq, { is: 'suspect', among: begun.length }];
      const one = known.find((culprit) => culprit.seq === seq);
      return [seq, one ? { is: 'culprit', why: one.why } : { is: 'victim', of: known[0]!.seq }];
    }),
  );
}
