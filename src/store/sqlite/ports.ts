import type { IncidentStore } from '../../healing/ports.ts';
import type { EffectStore, JobStore, PauseStore, StateStore } from '../../jobs/ports.ts';
import type { SlotStore } from '../../schedule/ports.ts';
import type { AsideStore, EventStore, FigureStore, UpkeepStore } from '../../telemetry/ports.ts';

/** Everything that a store keeps. */
export type StorePorts = JobStore &
  EffectStore &
  StateStore &
  PauseStore &
  SlotStore &
  IncidentStore &
  EventStore &
  FigureStore &
  AsideStore &
  UpkeepStore;

/** The same methods without waiting: what runs beside the file. */
export type Sync<Ports> = {
  [K in keyof Ports]: Ports[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
};

/** What can be asked of a store whose host is down. */
export type ReadPorts = Pick<
  StorePorts,
  | 'get'
  | 'list'
  | 'overview'
  | 'deadByCause'
  | 'slots'
  | 'nextSlots'
  | 'events'
  | 'agentFigures'
  | 'hourFigures'
  | 'slotFigures'
  | 'paused'
  | 'incident'
  | 'incidents'
  | 'quarantines'
  | 'unreadable'
  | 'asides'
  | 'checkUp'
  | 'stateEntries'
  | 'stateSizes'
>;
