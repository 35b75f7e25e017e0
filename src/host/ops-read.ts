import type { LogLine, StatusView } from '../control/protocol.ts';
import type { JobState } from '../jobs/model.ts';
import { Fault } from '../kernel/fault.ts';
import { LOG_LEVELS } from '../kernel/log.ts';
import type { OpTable } from './control-server.ts';
import type { House } from './house.ts';
import { listingOf, timeOf } from './known.ts';
import { iso, viewJob } from './views.ts';
import { whyOf } from './why.ts';

type Reading = Pick<
  OpTable,
  'ping' | 'status' | 'jobs' | 'job' | 'why' | 'slots' | 'dlq' | 'check' | 'configShow' | 'follow'
>;

const MOST_JOBS = 1_000;

/** The ops that change nothing. */
export function readingOps(house: House, status: (agent?: string) => Promise<StatusView>): Reading {
  const { store, catalog, jobs, facts, journal, settings, time } = house;
  return {
    ping: async () => ({ pid: facts.pid, version: facts.version, startedAt: iso(facts.startedAt) }),
    status: ({ agent }) => status(agent),

    async jobs({ agent, states, since, cause, before, limit }) {
      if (agent !== undefined) await knownOrPast(agent);
      const list = await store.list({
        limit: Math.min(Math.max(limit ?? 50, 1), MOST_JOBS),
        ...(agent === undefined ? {} : { agent }),
        ...(states === undefined ? {} : { states: states as JobState[] }),
        ...(since === undefined ? {} : { since: timeOf(since) }),
        ...(cause === undefined ? {} : { cause }),
        ...(before === undefined ? {} : { before }),
      });
      return list.map(viewJob);
    },

    async job({ id, wait }, { gone }) {
      if (wait) await jobs.finished(id, gone);
      const job = await store.get(id);
      if (!job) throw new Fault({ code: 'JOB_UNKNOWN', message: `there is no job ${id}`, next: 'daruma jobs' });
      return viewJob(job);
    },

    why: ({ agent, at }) => whyOf({ store, catalog, time }, agent, at === undefined ? undefined : timeOf(at)),

    async slots({ agent, from, to }) {
      const slots = await store.slots({
        from: timeOf(from),
        to: timeOf(to),
        ...(agent === undefined ? {} : { agent }),
      });
      return slots.map(({ agent, due, state, reason, job }) => ({ agent, due: iso(due), state, reason, job }));
    },

    async dlq() {
      const groups = await store.deadByCause();
      return groups.map(({ firstAt, lastAt, example, ...group }) => ({
        ...group,
        firstAt: iso(firstAt),
        lastAt: iso(lastAt),
        example: viewJob(example),
      }));
    },

    async check() {
      await catalog.rescan();
      return { agents: [...catalog.agents().keys()].sort(), problems: catalog.problems() };
    },

    async configShow({ agent }) {
      if (agent === undefined) return { values: settings.origins };
      listingOf(catalog, agent);
      return { values: catalog.origins(agent) ?? [] };
    },

    follow({ agent, job, level }, { item, gone }) {
      const levels: readonly unknown[] = LOG_LEVELS;
      const least = levels.indexOf(level);
      if (agent !== undefined) listingOf(catalog, agent);
      return new Promise((resolve) => {
        const end = journal.follow((line) => {
          if (agent !== undefined && line.agent !== agent) return;
          if (job !== undefined && line.job !== job) return;
          if (levels.indexOf(line.level) < least) return;
          item(line as LogLine);
        });
        gone.addEventListener('abort', () => {
          end();
          resolve(null);
        });
      });
    },
  };

  /** Jobs of an agent that is gone can still be looked at. */
  async function knownOrPast(agent: string) {
    if (catalog.listings().some(({ name }) => name === agent)) return;
    const past = await store.list({ agent, limit: 1 });
    if (past.length === 0) listingOf(catalog, agent);
  }
}
