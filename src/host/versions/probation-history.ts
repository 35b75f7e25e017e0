import type { Probationer } from '../../catalog/ports.ts';
import { noRuns, type ProbationRuns, SEVERE, withEnd } from '../../catalog/rollout/probation.ts';
import { causeOf } from '../../jobs/cause.ts';
import type { Job, JobState } from '../../jobs/model.ts';
import type { JobRecords, Settlement } from '../../jobs/ports.ts';

/** What the store knows of a state on probation, and of the good one before it. */
export interface ProbationHistory {
  candidate: ProbationRuns;
  good: ProbationRuns;
  /** Jobs that the one on probation failed, and their states. */
  failed: Map<string, 'dead' | 'retrying'>;
  /** Ends of the one on probation that are in it: `job attempt`. */
  ends: Set<string>;
}

const NEWEST = 200;
const ENDED: JobState[] = ['done', 'dead', 'retrying'];

/** Reads the newest jobs of the agent. What began before the trial was the good one's, if its version ran it. */
export async function historyOf(store: Pick<JobRecords, 'list'>, trial: Probationer): Promise<ProbationHistory> {
  const { agent, since, good, excused } = trial;
  const jobs = await store.list({ agent: agent.name, states: ENDED, limit: NEWEST });
  const history: ProbationHistory = { candidate: noRuns(since), good: noRuns(0), failed: new Map(), ends: new Set() };
  for (const job of jobs.reverse()) {
    if (job.startedAt === null || job.finishedAt === null) continue;
    if (job.startedAt < since) {
      if (job.version === good?.version.id) history.good = withJob(history.good, job, []);
    } else if (job.version === agent.version.id) {
      history.candidate = withJob(history.candidate, job, excused);
      history.ends.add(`${job.id} ${job.attempt}`);
      if (job.state === 'dead' || job.state === 'retrying') history.failed.set(job.id, job.state);
    }
  }
  return history;
}

/** With the latest attempt of a job: the version is known of that one only. */
function withJob(
  runs: ProbationRuns,
  { state, error, cause, startedAt, finishedAt }: Job,
  excused: readonly string[],
): ProbationRuns {
  if (state === 'done') return withEnd(runs, { is: 'done', ms: Math.max(0, finishedAt! - startedAt!) });
  if (!error || NO_FAULT.has(error.code)) return runs;
  return withEnd(runs, { is: 'failed', at: finishedAt!, fault: error, cause: cause ?? causeOf(error) }, excused);
}

/** Failures that nobody on probation is blamed for: somebody wanted it, the plugin knows that a service is busy, or it is down. */
export const NO_FAULT: ReadonlySet<string> = new Set([
  'HOST_STOPPED',
  'HOST_LOST',
  'CANCELLED',
  'REPLACED',
  'LEASE_LOST',
  'RECYCLED',
  'RETRY_LATER',
  'ORIGIN_DOWN',
]);

/** With the end of an attempt. What took its worker along was counted with the worker, unless nobody else does. */
export function counted(
  runs: ProbationRuns,
  end: Settlement,
  excused: readonly string[],
  withSevere: boolean,
): ProbationRuns {
  if (end.state === 'done') return withEnd(runs, { is: 'done', ms: Math.max(0, end.finishedAt - end.startedAt) });
  const { error, cause } = end;
  if (end.state === 'cancelled' || !error || NO_FAULT.has(error.code)) return runs;
  if (SEVERE.has(error.code) && !withSevere) return runs;
  return withEnd(runs, { is: 'failed', at: end.finishedAt, fault: error, cause: cause ?? causeOf(error) }, excused);
}
