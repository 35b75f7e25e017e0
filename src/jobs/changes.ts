import type { PlainFault } from '../kernel/fault.ts';
import type { Job, JobId } from './model.ts';
import type { JobQueue } from './ports.ts';

/** What people and schedules do to jobs from outside of their attempts. */
export interface JobChanges {
  /** Cancels an unfinished job, its running attempt included; undefined when there was nothing to cancel. */
  cancel(id: JobId, why: PlainFault): Promise<Job | undefined>;
  /** The same of many, in batches between which others have their turn; returns those that were cancelled. */
  cancelMany(ids: JobId[], why: PlainFault): Promise<JobId[]>;
  /** Gives dead or cancelled jobs all their attempts anew, in batches; returns those that have them. */
  redrive(ids: JobId[]): Promise<JobId[]>;
}

/** A batch takes the store some 10 ms, which is what anybody else waits for it. */
const AT_ONCE = 500;

/** Whoever has to know of a change hears of it from the store's feed. */
export function createJobChanges(store: Pick<JobQueue, 'cancel' | 'cancelMany' | 'redrive'>): JobChanges {
  return {
    cancel: (id, why) => store.cancel(id, why),
    async cancelMany(ids, why) {
      const done: JobId[] = [];
      for (const batch of batches(ids)) done.push(...(await store.cancelMany(batch, why)).map(({ id }) => id));
      return done;
    },
    async redrive(ids) {
      const back: JobId[] = [];
      for (const batch of batches(ids)) back.push(...(await store.redrive(batch)));
      return back;
    },
  };
}

function* batches(ids: readonly JobId[]): Generator<JobId[]> {
  for (let at = 0; at < ids.length; at += AT_ONCE) yield ids.slice(at, at + AT_ONCE);
}
