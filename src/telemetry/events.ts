import { toPlainFault } from '../kernel/fault.ts';
import type { Log, LogLevel } from '../kernel/log.ts';
import type { Scrubber } from '../kernel/scrub.ts';
import type { Time } from '../kernel/time.ts';
import type { EventStore, FleetEvent } from './ports.ts';

/** Records what happens to the installation: in the store first, in the log second. */
export interface Events {
  /** Records an event; never throws and never waits. A store that cannot take the event costs only the event's row: the log has it. */
  record(level: LogLevel, event: Omit<FleetEvent, 'at'>): void;
  /** The event without any secret. */
  clean<Event extends object>(event: Event): Event;
  /** The event is in the store already, written with the fact that it tells; never throws. */
  publish(level: LogLevel, event: FleetEvent): void;
  /** Calls back with each event as it is recorded; returns what ends it. */
  listen(call: (event: FleetEvent) => void): () => void;
  /** Resolves when everything recorded so far is on disk or given up. */
  settled(): Promise<void>;
}

export function createEvents(needs: {
  time: Time;
  store: EventStore;
  log: Log;
  scrub: Pick<Scrubber, 'value'>;
}): Events {
  const listeners = new Set<(event: FleetEvent) => void>();
  let writing: Promise<unknown> = Promise.resolve();
  function log(level: LogLevel, { kind, agent, message, who = null, data }: Omit<FleetEvent, 'at'>) {
    // A key of a line has a value: `job` is a job's id, or is not there.
    const values = Object.entries({ agent, who, ...data }).filter(([, value]) => value !== null);
    needs.log[level](message, { event: kind, ...Object.fromEntries(values) });
  }
  return {
    record(level, event) {
      const recorded = needs.scrub.value({ at: needs.time.now(), ...event });
      const written = needs.store.append([recorded]);
      for (const call of listeners) call(recorded);
      writing = Promise.allSettled([writing, written]);
      written
        .catch((error: unknown) => needs.log.error('an event could not be stored', { fault: toPlainFault(error) }))
        .finally(() => log(level, event));
    },
    clean: (event) => needs.scrub.value(event),
    publish(level, event) {
      for (const call of listeners) call(event);
      log(level, event);
    },
    listen(call) {
      listeners.add(call);
      return () => listeners.delete(call);
    },
    settled: async () => {
      await writing;
    },
  };
}
