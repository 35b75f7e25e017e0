import type { Catalog } from '../catalog/ports.ts';
import { toPlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import { isHostTopic } from '../plugin/host-events.ts';
import type { Events } from '../telemetry/events.ts';
import type { EventStore, Listener } from '../telemetry/ports.ts';

/**
 * Gives agents that listen to what happens in the host a job for each event: once, in the order of the events, and also for
 * what happened while the host was down. Events are rows of the store, written with the fact that they tell; the store
 * marks how far each agent was told. Jobs wait in the agent's queue while it is paused or in quarantine.
 */
export interface HostEvents extends Service {
  /** Events may have been written, or agents are others now. */
  soon(): void;
}

interface HostEventsNeeds {
  time: Time;
  log: Log;
  store: Pick<EventStore, 'deliverEvents'>;
  events: Pick<Events, 'listen'>;
  catalog: Pick<Catalog, 'agents'>;
}

const EVERY_MS = 10_000;
/** An agent with so many jobs that wait gets no more: its events wait as rows, for as long as events are kept. */
const BOUNDS = { events: 1_000, waiting: 1_000 };

export function createHostEvents({ time, log, store, events, catalog }: HostEventsNeeds): HostEvents {
  let unlisten = () => {};
  /** Before the first turn nobody knows whether the store has marks of agents that listen no more. */
  let wasAsked = true;

  async function turn(): Promise<number> {
    const listeners = [...catalog.agents().values()].flatMap((agent): Listener[] => {
      const topics = agent.on.filter(isHostTopic);
      const { name, limits, debounce } = agent;
      return topics.length === 0 ? [] : [{ agent: name, topics, attempts: limits.attempts, ...given({ debounce }) }];
    });
    if (listeners.length === 0 && !wasAsked) return EVERY_MS;
    const deliveries = await store.deliverEvents(listeners, BOUNDS);
    wasAsked = listeners.length > 0;
    return deliveries.some(({ isBehind }) => isBehind) ? 0 : EVERY_MS;
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('agents were not told of events', { fault: toPlainFault(error) }) },
    { everyMs: EVERY_MS, turn },
  );

  return {
    async start() {
      await loop.start();
      unlisten();
      unlisten = events.listen(loop.soon);
    },
    async stop() {
      unlisten();
      await loop.stop();
    },
    alive: loop.alive,
    soon: loop.soon,
  };
}
