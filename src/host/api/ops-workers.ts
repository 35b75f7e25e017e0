import type { HostContext } from '../host-context.ts';
import type { OpTable } from './handlers.ts';
import { isoOrNull } from './views.ts';

/** The operations on workers, and on agents that a client brings. */
export function workerOps({
  workers,
  guests,
}: Pick<HostContext, 'workers' | 'guests'>): Pick<OpTable, 'workers' | 'guests'> {
  return {
    async workers({ agent }) {
      const all = workers.view().workers.filter((worker) => agent === undefined || worker.agent === agent);
      return all.map(({ worker, agent: name, version, is, job, startedAt, memoryBytes }) => ({
        worker,
        agent: name,
        version,
        is,
        job,
        startedAt: isoOrNull(startedAt),
        memoryBytes,
      }));
    },

    async guests({ files }, { item, gone }) {
      await guests.admit(files, gone, (agents) => item({ agents }));
      return null;
    },
  };
}
