import type { Jobs } from '../../jobs/jobs.ts';
import type { JobId } from '../../jobs/model.ts';
import type { LogLevels } from '../log-levels.ts';

/** Jobs during which their agent logs at debug level. */
interface DebugRuns {
  /** Sets the level, then queues the job by `queue`. Rejects as `queue` does. */
  begin<Queued extends { id: JobId }>(agent: string, queue: () => Promise<Queued>): Promise<Queued>;
}

interface DebugRunsNeeds {
  logLevels: Pick<LogLevels, 'debug'>;
  jobs: Pick<Jobs, 'finished'>;
}

export function createDebugRuns({ logLevels, jobs }: DebugRunsNeeds): DebugRuns {
  return {
    async begin(agent, queue) {
      const end = logLevels.debug(agent);
      try {
        const queued = await queue();
        jobs.finished(queued.id).then(end, end);
        return queued;
      } catch (thrown) {
        end();
        throw thrown;
      }
    },
  };
}
