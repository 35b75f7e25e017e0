import type { Catalog } from '../../catalog/ports.ts';
import {
  checkAfterRollback,
  noRuns,
  type ProbationRuns,
  type Rejection,
  SLOW_CAUSE,
} from '../../catalog/rollout/probation.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { JobQueue, Settlement } from '../../jobs/ports.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createTasks } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { WorkerEnd } from '../../workers/ports.ts';
import { countEnd } from './probation-history.ts';

/** Facts of a rollback, for people. */
export interface RollbackReport {
  agent: string;
  bad: Agent;
  good: Agent;
  rejection: Rejection;
  runs: ProbationRuns;
  /** The end of a worker that gave the reason. */
  end?: WorkerEnd | undefined;
}

/**
 * Follows up a rollback: the jobs that the rejected state failed are run again on the good one, and if the good state fails
 * in the same way, the version was not to blame, and is tried again.
 */
interface RollbackChecks {
  /** `before`: the runs of the good state before the rollback. `failed`: jobs of the rejected state, and what became of them. */
  begin(rollback: RollbackReport, before: ProbationRuns, failed: FailedJobs): void;
  /** The set of agents in force has changed: a check ends when the good state is in force no more. */
  use(): void;
  /** An attempt of the good or of the rejected state has ended: the latter may still be at work when it is rolled back. */
  settled(end: Settlement, agent: string): void;
  stop(): Promise<void>;
}

type FailedJobs = ReadonlyMap<string, Settlement['state']>;

interface RollbackCheck extends RollbackReport {
  before: ProbationRuns;
  since: ProbationRuns;
  isOver: boolean;
}

interface RollbackChecksNeeds {
  time: Time;
  log: Log;
  store: Pick<JobQueue, 'promote'>;
  jobs: Pick<Jobs, 'redrive' | 'wake'>;
  catalog: Pick<Catalog, 'rollouts' | 'agents'>;
  /** The good state fails in the same way: the rejected one is tried again. */
  waived(rollback: RollbackReport): void;
}

export function createRollbackChecks(needs: RollbackChecksNeeds): RollbackChecks {
  const { time, log, catalog, jobs } = needs;
  const checks = new Map<string, RollbackCheck>();
  const working = createTasks((error) => log.error('jobs could not be run again', { fault: toPlainFault(error) }));

  async function runAgain(agent: string, failed: FailedJobs) {
    const dead = [...failed].flatMap(([job, state]) => (state === 'dead' ? job : []));
    const waiting = [...failed].flatMap(([job, state]) => (state === 'retrying' ? job : []));
    if (dead.length > 0) await jobs.redrive(dead);
    if (waiting.length > 0) await needs.store.promote(waiting);
    jobs.wake(agent);
  }

  function receive(check: RollbackCheck, end: Settlement) {
    check.since = countEnd(check.since, end, [], true);
    const { rejection, runs, before, since, agent, bad } = check;
    const answer = checkAfterRollback(rejection, runs, before, since);
    if (answer === 'wait') return;
    check.isOver = true;
    if (answer === 'confirmed') return;
    if (catalog.rollouts.waive(agent, bad.fingerprint, rejection.cause ?? SLOW_CAUSE)) needs.waived(check);
  }

  return {
    begin(rollback, before, failed) {
      checks.set(rollback.agent, { ...rollback, before, since: noRuns(time.now()), isOver: false });
      working.add(runAgain(rollback.agent, failed));
    },
    use() {
      for (const [name, { good }] of checks) {
        if (catalog.agents().get(name)?.fingerprint !== good.fingerprint) checks.delete(name);
      }
    },
    settled(end, agent) {
      const check = checks.get(agent);
      if (!check) return;
      if (end.fingerprint === check.bad.fingerprint) {
        if (end.state === 'dead' || end.state === 'retrying')
          working.add(runAgain(agent, new Map([[end.job, end.state]])));
      } else if (end.fingerprint === check.good.fingerprint && !check.isOver) receive(check, end);
    },
    stop: () => working.settled(),
  };
}
