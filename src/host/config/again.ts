import type { BadConfig } from '../../catalog/rollout/config-standing.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobStore } from '../../jobs/ports.ts';

/** Jobs that settings have failed, by what has to be done so that they are run again. */
export interface Failed {
  /** They get all their attempts anew. */
  dead: string[];
  /** They need not wait any longer. */
  waiting: string[];
}

const MOST = 1_000;

/** The jobs that agents failed while they did worse because of the settings, and those that died with a host. */
export async function failedBy(
  store: Pick<JobStore, 'list'>,
  { since, at, struck }: Pick<BadConfig, 'since' | 'at' | 'struck'>,
): Promise<Failed> {
  const failed: Job[] = await store.list({ states: ['dead'], limit: MOST });
  const jobs = failed.filter(({ error }) => error?.code === 'HOST_LOST');
  for (const { agent } of struck) {
    jobs.push(...(await store.list({ agent, states: ['dead', 'retrying'], limit: MOST })));
  }
  const mine = jobs.filter(({ startedAt }) => startedAt !== null && startedAt >= since && startedAt <= at);
  return { dead: idsOf(mine, 'dead'), waiting: idsOf(mine, 'retrying') };
}

function idsOf(jobs: readonly Job[], state: Job['state']): string[] {
  return [...new Set(jobs.filter((job) => job.state === state).map(({ id }) => id))];
}
