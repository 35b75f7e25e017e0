import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';

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
