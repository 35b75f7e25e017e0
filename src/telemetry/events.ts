import { toPlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { Log, LogLevel } from '../kernel/log.ts';
import type { Scrubber } from '../kernel/scrub.ts';
import type { Time } from '../kernel/time.ts';
import type { EventStore, FleetEvent } from './ports.ts';

/** Records what happens to the installation: in the store first, in the log second. */
export interface Events {
  /** Records an event; never throws and never waits. A store that cannot take the event costs only the event's row: the log has it. */
  record(level: LogLevel, event: Omit<FleetEvent, 'at'>): void;
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
  return {
    record(level, event) {
      const recorded = needs.scrub.value({ at: needs.time.now(), ...event });
      for (const call of listeners) call(recorded);
      const written = needs.store.append([recorded]);
      writing = Promise.allSettled([writing, written]);
      written
        .catch((error: unknown) => needs.log.error('an event could not be stored', { fault: toPlainFault(error) }))
        .finally(() => {
          const { kind, agent, message, data } = event;
          needs.log[level](message, { event: kind, ...given({ agent: agent ?? undefined }), ...data });
        });
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
