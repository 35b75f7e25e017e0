import type { Catalog } from '../../catalog/ports.ts';
import type { Healer } from '../../healing/healer.ts';
import type { Time } from '../../kernel/time.ts';
import type { SqliteStore } from '../../store/sqlite/store.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Journal } from '../../telemetry/journal.ts';
import type { FleetView } from '../fleet.ts';
import type { HostFacts } from '../house.ts';
import type { Setup } from '../secrets/setup.ts';
import { createGate, type Gate } from './gate.ts';
import { tellRefused } from './gate-news.ts';

export interface GateWatchNeeds {
  time: Time;
  journal: Journal;
  facts: HostFacts;
  catalog: Catalog;
  store: SqliteStore;
  events: Events;
  healer: Healer;
  fleet: FleetView;
  setup: Setup;
  /** What may run has changed. */
  opened(): void;
}

/** The gate before probation, wired to the rooms; `last` as for {@link createGate}. */
export function watchGate(needs: GateWatchNeeds, last: () => number): Gate {
  const { time, journal, facts, catalog, store, events, healer, fleet, setup, opened } = needs;
  return createGate(
    {
      time,
      log: journal.room('probation'),
      store,
      agents: () => catalog.agents(),
      fleet,
      secrets: setup.secrets,
      folder: facts.folder,
      standings: catalog.standings,
      opened,
      refused: tellRefused(events, healer),
    },
    last,
  );
}
