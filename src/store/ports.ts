import type { SpendStore } from '../gateway/models/spend.ts';
import type { IncidentStore } from '../healing/ports.ts';
import type { BatchStore } from '../jobs/batch.ts';
import type { EffectStore, JobQueue, JobRecords, PauseStore, StateStore } from '../jobs/ports.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { SlotStore } from '../schedule/ports.ts';
import type { AlertStore } from '../telemetry/alerts/ports.ts';
import type { MetricStore } from '../telemetry/meter/ports.ts';
import type {
  AggregateStore,
  AsideStore,
  EventStore,
  FigureStore,
  FindingStore,
  HeartbeatStore,
  UpkeepStore,
  UsageStore,
} from '../telemetry/ports.ts';

/** A store that a host writes to. The store opens its file in `start()`, which rejects with a `Fault` that says what to do. */
export type Store = Service & StorePorts;

/** A store opened for reading only, in the calling thread. */
export type ReadOnlyStore = ReadPorts & { close(): void };

export interface StoreNeeds {
  time: Time;
  log: Log;
  /** The number of rows that could not be read and were set aside. */
  setAside?(count: number): void;
  /** A call was answered so many ms after it was sent; of calls that are answered together, the first one. */
  answered?(ms: number): void;
  /** The store died. Every call rejects (`STORE_DIED`, then `STORE_STOPPED`) until `start()` is called again. */
  onFailure?(fault: PlainFault): void;
}

/** Where a store is. */
export interface StorePlace {
  /** Path of the embedded store's file; its folder is made when it is missing. */
  file: string;
}

/** All that a store keeps. */
export type StorePorts = JobQueue &
  JobRecords &
  EffectStore &
  StateStore &
  PauseStore &
  BatchStore &
  SlotStore &
  IncidentStore &
  EventStore &
  FigureStore &
  AggregateStore &
  MetricStore &
  HeartbeatStore &
  FindingStore &
  AlertStore &
  SpendStore &
  UsageStore &
  AsideStore &
  UpkeepStore;

/** The same methods without promises: what runs beside the data. */
export type Sync<Ports> = {
  [K in keyof Ports]: Ports[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
};

/** The reads of a store whose host is down. */
export type ReadPorts = Pick<
  StorePorts,
  | 'get'
  | 'list'
  | 'ids'
  | 'count'
  | 'countStale'
  | 'batch'
  | 'batches'
  | 'batchItems'
  | 'overview'
  | 'runs'
  | 'deadByCause'
  | 'waitFacts'
  | 'slots'
  | 'nextSlots'
  | 'events'
  | 'causesOf'
  | 'agentFigures'
  | 'hourFigures'
  | 'slotFigures'
  | 'aggregates'
  | 'aggregateSums'
  | 'metrics'
  | 'durationSketches'
  | 'heartbeats'
  | 'findings'
  | 'alerts'
  | 'spendRows'
  | 'usageRows'
  | 'paused'
  | 'incident'
  | 'incidents'
  | 'quarantines'
  | 'mutes'
  | 'unreadable'
  | 'asides'
  | 'health'
  | 'stateEntries'
  | 'stateSizes'
  | 'keptBytes'
>;
