import type { JobView } from '../../control/protocol.ts';
import { jobUnknown } from '../../jobs/faults.ts';
import { Fault } from '../../kernel/fault.ts';
import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import type { House } from '../house.ts';
import type { OpTable } from './control-server.ts';
import { viewIncident } from './incidents.ts';
import { agentInForce, listingOf } from './known.ts';
import { isoOrNull, viewJob } from './views.ts';

type Acting = Pick<OpTable, 'run' | 'cancel' | 'replay' | 'drop' | 'pause' | 'resume' | 'ack' | 'level' | 'stop'>;

/** More than this many jobs are replayed or dropped in several goes. */
const MOST_AT_ONCE = 1_000;

/** The ops that change something. Each is told in the log and kept as an event. */
export function actingOps(house: House): Acting {
  const { store, jobs, catalog, pauses, workers, events, healer } = house;

  async function jobById(id: string): Promise<JobView> {
    const job = await store.get(id);
    if (!job) throw jobUnknown(id);
    return viewJob(job);
  }

  /** The dead jobs that an id or a cause names. */
  async function dead({ id, cause }: { id?: string; cause?: string }): Promise<string[]> {
    if (id !== undefined) {
      const job = await jobById(id);
      if (job.state === 'dead' || job.state === 'cancelled') return [job.id];
      throw new Fault({
        code: 'JOB_NOT_DEAD',
        message: `${id} is ${job.state}; only dead and cancelled jobs can be run again or dropped`,
        next: job.state === 'done' ? `daruma run ${job.agent}` : `daruma jobs ${id}`,
      });
    }
    if (cause === undefined) {
      throw new Fault({ code: 'USAGE', message: 'name a job or a cause', next: 'daruma dlq' });
    }
    const found = await store.list({ cause, states: ['dead'], limit: MOST_AT_ONCE });
    if (found.length === 0) {
      throw new Fault({ code: 'CAUSE_UNKNOWN', message: `no dead job has the cause ${cause}`, next: 'daruma dlq' });
    }
    return found.map((job) => job.id).reverse();
  }

  return {
    async run({ agent: name, input, wait, key, priority, attempts }, { gone }) {
      const agent = agentInForce(catalog, name);
      const [added] = await jobs.add([
        {
          agent: agent.name,
          trigger: 'manual',
          input: input === undefined ? null : JSON.stringify(input),
          attempts: attempts ?? agent.limits.attempts,
          ...(key === undefined ? {} : { key }),
          ...(priority === undefined ? {} : { priority }),
        },
      ]);
      // Whoever asks by hand wants to know now whether it works again.
      if (healer.quarantine(name)) healer.probeNow(name);
      if (wait) await jobs.finished(added!.id, gone);
      return jobById(added!.id);
    },

    async cancel({ id }) {
      const was = await jobs.cancel(id, { code: 'CANCELLED', message: 'cancelled by hand' });
      const job = await jobById(id);
      if (!was) {
        throw new Fault({ code: 'JOB_ENDED', message: `${id} is ${job.state} already`, next: `daruma jobs ${id}` });
      }
      events.record('info', {
        kind: 'job.cancelled',
        agent: job.agent,
        message: `${id} was cancelled by hand`,
        data: { job: id },
      });
      return job;
    },

    async replay({ dryRun, ...which }) {
      const ids = await dead(which);
      if (dryRun) return { jobs: ids, dryRun: true };
      const back = await jobs.redrive(ids);
      events.record('info', {
        kind: 'job.replayed',
        agent: null,
        message: `${back.length} jobs are run again`,
        data: { ...which },
      });
      return { jobs: back, dryRun: false };
    },

    async drop(which) {
      const ids = await dead(which);
      const dropped = await store.drop(ids, { code: 'DROPPED', message: 'dropped by hand' }, house.time.now());
      events.record('info', {
        kind: 'job.dropped',
        agent: null,
        message: `${dropped.length} dead jobs were dropped`,
        data: { ...which },
      });
      return { jobs: dropped };
    },

    async pause({ agent, forMs }) {
      listingOf(catalog, agent);
      const until = isoOrNull(await pauses.pause(agent, forMs));
      events.record('info', {
        kind: 'agent.paused',
        agent,
        message: `${agent} is paused${until ? ` until ${until}` : ''}`,
      });
      return { agent, until };
    },

    async resume({ agent }) {
      listingOf(catalog, agent);
      await pauses.resume(agent);
      if (healer.lift(agent, 'resumed by hand')) return { agent };
      events.record('info', { kind: 'agent.resumed', agent, message: `${agent} goes on` });
      return { agent };
    },

    ack: async ({ id, note }) => viewIncident(await healer.acknowledge(id, note ?? null)),

    async level({ agent, level }) {
      listingOf(catalog, agent);
      if (!LOG_LEVELS.some((one) => one === level)) {
        throw new Fault({
          code: 'LEVEL_UNKNOWN',
          message: `"${level}" is no level`,
          next: `one of ${LOG_LEVELS.join(', ')}`,
        });
      }
      workers.level(agent, level as LogLevel);
      return { agent, level };
    },

    async stop() {
      house.stop();
      return { pid: house.facts.pid };
    },
  };
}
