import type { Agent } from '../jobs/agent.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { JobRecords } from '../jobs/ports.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';

/** Gives agents with `firstRun` their job when the installation has no job of theirs yet. Never throws. */
export function createFirstRuns(needs: {
  store: Pick<JobRecords, 'list'>;
  jobs: Pick<Jobs, 'add'>;
  log: Log;
}): (added: Agent[]) => Promise<void> {
  async function giveFirst({ name, limits }: Agent) {
    const known = await needs.store.list({ agent: name, limit: 1 });
    if (known.length > 0) return;
    // The key makes it one job, however often a host is killed between looking and adding.
    await needs.jobs.add([
      { agent: name, trigger: 'schedule', input: null, key: 'first-run', attempts: limits.attempts },
    ]);
  }

  return async (added) => {
    for (const agent of added.filter(({ firstRun }) => firstRun)) {
      try {
        await giveFirst(agent);
      } catch (error) {
        needs.log.error(`the first run of ${agent.name} could not be queued`, { fault: toPlainFault(error) });
      }
    }
  };
}
