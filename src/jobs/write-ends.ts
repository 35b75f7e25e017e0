import { Fault, toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { causeOf } from './faults.ts';
import type { JobQueue, Settlement } from './ports.ts';

/** An end as it was written down, or refused by the fence. */
interface WrittenEnd {
  settlement: Settlement;
  /** False: another attempt has the job, or nobody. */
  isAccepted: boolean;
}

/**
 * Writes ends down. An end with a value that the store takes from nobody (it would be refused for ever) holds up neither the
 * others nor its own job: that is a dead letter, which says why.
 */
export async function writeSettlements(
  store: Pick<JobQueue, 'settle'>,
  settlements: Settlement[],
  now: number,
): Promise<WrittenEnd[]> {
  try {
    const accepted = await store.settle(settlements);
    return settlements.map((settlement, index) => ({ settlement, isAccepted: accepted[index]! }));
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'VALUE_INVALID') throw error;
    const written: WrittenEnd[] = [];
    for (const one of settlements) {
      const alone = settlements.length > 1 ? [one] : [deadInstead(one, error, now)];
      written.push(...(await writeSettlements(store, alone, now)));
    }
    return written;
  }
}

function deadInstead({ job, attempt }: Settlement, { message }: Fault, now: number): Settlement {
  const error = { code: 'END_INVALID', message: `its end cannot be written down: ${message}` };
  return { job, attempt, state: 'dead', startedAt: now, finishedAt: now, error, cause: causeOf(error) };
}

/** Writes down what the store could not take, again and again: the work is done, or untouched; only the record is missing. */
export function createPersistentWrites({ time, log }: { time: Time; log: Log }, hasStopped: () => boolean) {
  return async (what: string, write: () => Promise<void>): Promise<void> => {
    for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
      try {
        return await write();
      } catch (error) {
        if (hasStopped()) return;
        log.error(`${what} could not be written down; trying again`, { fault: toPlainFault(error) });
        await new Promise<void>((resolve) => time.after(pause, resolve));
      }
    }
  };
}
