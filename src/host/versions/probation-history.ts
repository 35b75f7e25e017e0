import type { Probationer } from '../../catalog/ports.ts';
import { noRuns, type ProbationRuns, SEVERE, withEnd } from '../../catalog/rollout/probation.ts';
import { causeOf } from '../../jobs/faults.ts';
import type { Job, JobState } from '../../jobs/model.ts';
import type { JobRecords, Settlement } from '../../jobs/ports.ts';

/**
 * Failures for which no state on probation is blamed: a person or the host wanted them, the plugin knows that a service is
 * busy, or a server is down.
 */
const NO_FAULT: ReadonlySet<string> = new Set([
  'HOST_STOPPED',
  'RESTARTED',
  'HOST_LOST',
  'CANCELLED',
  'REPLACED',
  'LEASE_LOST',
  'RECYCLED',
  'RETRY_LATER',
  'ORIGIN_DOWN',
  'MACHINE_MEMORY',
  'BUDGET_SPENT',
  'MODELS_DOWN',
]);

/** Runs of a state on probation, and of the good state before it, as the store has them. */
export interface ProbationHistory {
  runs: ProbationRuns;
  good: ProbationRuns;
  /** Jobs that the state on probation failed, and their states. */
  failed: Map<string, 'dead' | 'retrying'>;
  /** Ends that are counted in `runs`: `job attempt`. */
  ends: Set<string>;
}

type EndedJob = Pick<Job, 'error' | 'cause'> & { startedAt: number; finishedAt: number; isDone: boolean };

const NEWEST = 200;
const ENDED: JobState[] = ['done', 'dead', 'retrying'];

/** Reads the newest jobs of the agent. Jobs that began before the probation are the good state's, if its version ran them. */
export async function historyOf(
  store: Pick<JobRecords, 'list'>,
  { agent, since, good, waived }: Probationer,
): Promise<ProbationHistory> {
  const jobs = await store.list({ agent: agent.name, states: ENDED, limit: NEWEST });
  const history: ProbationHistory = { runs: noRuns(since), good: noRuns(0), failed: new Map(), ends: new Set() };
  for (const { id, attempt, state, version, startedAt, finishedAt, ...job } of jobs.reverse()) {
    if (startedAt === null || finishedAt === null) continue;
    const ended = { ...job, startedAt, finishedAt, isDone: state === 'done' };
    if (startedAt < since) {
      if (version === good?.version.id) history.good = withJob(history.good, ended, []);
    } else if (version === agent.version.id) {
      history.runs = withJob(history.runs, ended, waived);
      history.ends.add(`${id} ${attempt}`);
      if (state === 'dead' || state === 'retrying') history.failed.set(id, state);
    }
  }
  return history;
}

/**
 * The runs with the end of an attempt. `withSevere`: also one that took its worker along; without it, the end of the
 * worker counts.
 */
export function countEnd(
  runs: ProbationRuns,
  end: Settlement,
  waived: readonly string[],
  withSevere: boolean,
): ProbationRuns {
  const { state, error = null, cause = null, startedAt, finishedAt } = end;
  const isDone = state === 'done';
  if (!isDone && (state === 'cancelled' || (error && SEVERE.has(error.code) && !withSevere))) return runs;
  return withJob(runs, { error, cause, startedAt, finishedAt, isDone }, waived);
}

/** With the latest attempt of a job: the version is known of that one only. */
function withJob(runs: ProbationRuns, job: EndedJob, waived: readonly string[]): ProbationRuns {
  const { isDone, error, cause, startedAt, finishedAt } = job;
  if (isDone) return withEnd(runs, { is: 'done', ms: Math.max(0, finishedAt - startedAt) });
  if (!error || NO_FAULT.has(error.code)) return runs;
  return withEnd(runs, { is: 'failed', at: finishedAt, fault: error, cause: cause ?? causeOf(error) }, waived);
}
