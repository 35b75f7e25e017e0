import { jobUnknown } from '../../jobs/faults.ts';
import type { JobId } from '../../jobs/model.ts';
import type { JobRecords, JobSet } from '../../jobs/ports.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import type { Ops } from '../../operations/table.ts';

/** Jobs that something was done to: how many, and the first of their ids. */
interface DoneJobs {
  count: number;
  jobs: JobId[];
}

/** Does something to jobs; resolves with those that it was done to. */
type Act = (ids: JobId[]) => Promise<JobId[]>;

/** Jobs that people name together: by an id, a cause, an agent, a state. With `dryRun` nothing is done, and those meant are named. */
interface JobSets {
  /** Acts on every job of the set that is there now. Rejects when the set is everything, or a cause of nothing. */
  each(set: JobSet, act: Act, dryRun: boolean): Promise<DoneJobs>;
  /** Acts on ended jobs: one by its id, or a set. Rejects with `JOB_NOT_DEAD` for an id of another job. */
  ended(which: Ops['replay']['read'], act: Act): Promise<DoneJobs>;
}

/** The number of ids that are read at a time, and that an answer names. */
const MOST_READ = 100_000;
const MOST_NAMED = 1_000;

export function createJobSets(store: Pick<JobRecords, 'get' | 'ids' | 'count'>): JobSets {
  /** The number of jobs in the set. */
  async function measure(set: JobSet): Promise<number> {
    if (set.agent === undefined && set.cause === undefined) {
      throw new Fault({ code: 'USAGE', message: 'name a job, a cause or an agent', next: 'daruma dlq' });
    }
    const count = (await store.count(set)).reduce((sum, one) => sum + one.count, 0);
    if (count > 0 || set.cause === undefined) return count;
    const states = set.states.join(' or ');
    const message = `no ${states} job has the cause ${set.cause}`;
    throw new Fault({ code: 'CAUSE_UNKNOWN', message, next: 'daruma dlq' });
  }

  /** The newest jobs first; each of them is met once, whatever it becomes meanwhile. */
  async function each(set: JobSet, act: Act, dryRun: boolean): Promise<DoneJobs> {
    const expected = await measure(set);
    if (dryRun) return { count: expected, jobs: (await store.ids(set)).slice(0, MOST_NAMED) };
    const named: JobId[] = [];
    let count = 0;
    for (let before: JobId | undefined; ; ) {
      const ids = await store.ids({ ...set, ...given({ before }) });
      const done = await act(ids);
      count += done.length;
      named.push(...done.slice(0, MOST_NAMED - named.length));
      before = ids.at(-1);
      if (ids.length < MOST_READ) return { count, jobs: named };
    }
  }

  async function endedJob(id: string): Promise<JobId[]> {
    const job = await store.get(id);
    if (!job) throw jobUnknown(id);
    if (job.state === 'dead' || job.state === 'cancelled') return [job.id];
    throw new Fault({
      code: 'JOB_NOT_DEAD',
      message: `${id} is ${job.state}; only dead and cancelled jobs can be run again or dropped`,
      next: job.state === 'done' ? `daruma run ${job.agent}` : `daruma jobs ${id}`,
    });
  }

  return {
    each,
    async ended({ id, cause, agent, states = ['dead'], dryRun }, act) {
      if (id === undefined) {
        const named = given({ cause, agent });
        return each({ states, ...named }, act, dryRun);
      }
      const ids = await endedJob(id);
      const done = dryRun ? ids : await act(ids);
      return { count: done.length, jobs: done };
    },
  };
}
