import type { Jobs } from '../../jobs/jobs.ts';
import type { JobId } from '../../jobs/model.ts';
import type { LogLevel } from '../../kernel/log.ts';
import type { Workers } from '../../workers/ports.ts';

/** Jobs during which their agent logs at debug level, and at its level of before as soon as the last of them has ended. */
interface DebugRuns {
  /** Sets the level, then queues the job by `queue`. Rejects as `queue` does. */
  begin<Queued extends { id: JobId }>(agent: string, queue: () => Promise<Queued>): Promise<Queued>;
}

interface DebugRunsNeeds {
  workers: Pick<Workers, 'level' | 'levelOf'>;
  jobs: Pick<Jobs, 'finished'>;
}

export function createDebugRuns({ workers, jobs }: DebugRunsNeeds): DebugRuns {
  const running = new Map<string, { count: number; before: LogLevel }>();

  function end(agent: string) {
    const run = running.get(agent)!;
    run.count -= 1;
    if (run.count > 0) return;
    running.delete(agent);
    // Another level was set by a person meanwhile.
    if (workers.levelOf(agent) === 'debug') workers.level(agent, run.before);
  }

  return {
    async begin(agent, queue) {
      const run = running.get(agent) ?? { count: 0, before: workers.levelOf(agent) };
      run.count += 1;
      running.set(agent, run);
      workers.level(agent, 'debug');
      try {
        const queued = await queue();
        jobs.finished(queued.id).then(
          () => end(agent),
          () => end(agent),
        );
        return queued;
      } catch (thrown) {
        end(agent);
        throw thrown;
      }
    },
  };
}
