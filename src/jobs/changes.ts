import type { PlainFault } from '../kernel/fault.ts';
import type { Job, JobId } from './model.ts';
import type { JobQueue, JobRecords, WorkerPort } from './ports.ts';
import type { Waiters } from './waiters.ts';

/** What people and schedules do to jobs from outside of their attempts. */
export interface JobChanges {
  /** Cancels an unfinished job, its running attempt included; undefined when there was nothing to cancel. */
  cancel(id: JobId, why: PlainFault): Promise<Job | undefined>;
  /** The same of many, in batches between which others have their turn; returns those that were cancelled. */
  cancelMany(ids: JobId[], why: PlainFault): Promise<JobId[]>;
  /** Gives dead or cancelled jobs all their attempts anew, in batches; returns those that have them. */
  redrive(ids: JobId[]): Promise<JobId[]>;
}

export interface JobChangesNeeds {
  store: Pick<JobQueue, 'cancel' | 'cancelMany' | 'redrive'> & Pick<JobRecords, 'waiting'>;
  workers: Pick<WorkerPort, 'abort'>;
  waiters: Pick<Waiters, 'release'>;
  /** Its late end is expected to be refused. */
  cancelled(id: JobId): void;
  wake(agent: string): void;
}

/** A batch takes the store some 10 ms, which is what anybody else waits for it. */
const AT_ONCE = 500;

export function createJobChanges(needs: JobChangesNeeds): JobChanges {
  const { store, workers, waiters } = needs;

  function ended(id: JobId, was: Pick<Job, 'state' | 'attempt'>, why: PlainFault) {
    needs.cancelled(id);
    if (was.state === 'running') workers.abort({ job: id, attempt: was.attempt }, why);
    waiters.release(id);
  }

  return {
    async cancel(id, why) {
      const was = await store.cancel(id, why);
      if (was) ended(id, was, why);
      return was;
    },
    async cancelMany(ids, why) {
      const done: JobId[] = [];
      for (const batch of batches(ids)) {
        for (const { id, ...was } of await store.cancelMany(batch, why)) {
          ended(id, was, why);
          done.push(id);
        }
      }
      return done;
    },
    async redrive(ids) {
      const back: JobId[] = [];
      for (const batch of batches(ids)) back.push(...(await store.redrive(batch)));
      for (const { agent } of await store.waiting()) needs.wake(agent);
      return back;
    },
  };
}

function* batches(ids: readonly JobId[]): Generator<JobId[]> {
  for (let at = 0; at < ids.length; at += AT_ONCE) yield ids.slice(at, at + AT_ONCE);
}
