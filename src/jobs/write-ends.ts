import { Fault } from '../kernel/fault.ts';
import { causeOf } from './cause.ts';
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
