import type { HostContext } from '../host-context.ts';
import type { OpTable } from './handlers.ts';
import { viewIncident } from './incidents.ts';
import { listingOf } from './known.ts';
import { isoOrNull } from './views.ts';

type Acting = Pick<OpTable, 'pause' | 'resume' | 'ack' | 'level' | 'stop'>;

/** The operations on agents, incidents and the host that change something. Each is recorded as an event and in the log. */
export function actingOps(hostContext: HostContext): Acting {
  const { catalog, pauses, workers, events, healer } = hostContext;

  return {
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
      await hostContext.resume(agent);
      if (healer.lift(agent, 'resumed by hand')) return { agent };
      events.record('info', { kind: 'agent.resumed', agent, message: `${agent} goes on` });
      return { agent };
    },

    ack: async ({ id, note }) => viewIncident(await healer.acknowledge(id, note ?? null)),

    async level({ agent, level }) {
      listingOf(catalog, agent);
      workers.level(agent, level);
      return { agent, level };
    },

    async stop() {
      hostContext.stop();
      return { pid: hostContext.facts.pid };
    },
  };
}
