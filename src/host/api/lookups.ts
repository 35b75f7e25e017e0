import { jobUnknown } from '../../jobs/faults.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobDetail } from '../../jobs/ports.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import type { OpTable } from './handlers.ts';
import { incidentLookups, withoutDrills } from './incidents.ts';
import { agentInForceOrNot, instantOf } from './known.ts';
import type { LookupNeeds } from './lookup-needs.ts';
import { iso, viewJob } from './views.ts';
import { whyOf } from './why.ts';

/** Operations that read the store, whether the host runs or not. */
type Lookups = Pick<OpTable, 'jobs' | 'why' | 'slots' | 'dlq' | 'incidents' | 'incident'> & {
  job(args: { id: string }): ReturnType<OpTable['job']>;
};

export function createLookups(needs: LookupNeeds): Lookups {
  const { store, catalog, holdUpOf } = needs;
  const view = (job: Job | JobDetail) => ({ ...viewJob(job), ...(holdUpOf ? { holdUp: holdUpOf(job) } : {}) });
  const hasJobs = async (agent: string) => (await store.list({ agent, limit: 1 })).length > 0;

  return {
    ...incidentLookups(store),
    async jobs({ agent, states, since, cause, before, limit, drills }) {
      if (agent !== undefined && !isDrillAgent(agent)) await agentInForceOrNot(catalog, agent, () => hasJobs(agent));
      const list = await store.list({
        limit,
        ...(agent === undefined ? withoutDrills(drills) : { agent }),
        ...(states === undefined ? {} : { states }),
        ...(since === undefined ? {} : { since: instantOf(since) }),
        ...(cause === undefined ? {} : { cause }),
        ...(before === undefined ? {} : { before }),
      });
      return list.map(view);
    },

    async job({ id }) {
      const job = await store.get(id);
      if (!job) throw jobUnknown(id);
      return view(job);
    },

    why: ({ agent, at }) => whyOf(needs, agent, at === undefined ? undefined : instantOf(at)),

    async slots({ agent, from, to }) {
      const slots = await store.slots({
        from: instantOf(from),
        to: instantOf(to),
        ...(agent === undefined ? {} : { agent }),
      });
      return slots.map(({ agent, due, state, reason, job }) => ({ agent, due: iso(due), state, reason, job }));
    },

    async dlq({ drills }) {
      const groups = (await store.deadByCause()).filter(({ agent }) => drills || !isDrillAgent(agent));
      return groups.map(({ firstAt, lastAt, example, ...group }) => ({
        ...group,
        firstAt: iso(firstAt),
        lastAt: iso(lastAt),
        example: viewJob(example),
      }));
    },
  };
}
