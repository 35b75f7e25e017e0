import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import type { Catalog } from '../catalog/ports.ts';
import type { Healer } from '../healing/healer.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { HostEndRecord, LoopAges } from '../kernel/pulse.ts';
import type { Time } from '../kernel/time.ts';
import type { Schedule } from '../schedule/schedule.ts';
import type { Store, StorePlace } from '../store/ports.ts';
import type { Events } from '../telemetry/events.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { Workers } from '../workers/ports.ts';
import type { States } from './api/states.ts';
import type { Asides } from './asides.ts';
import type { ConfigInUse } from './config/in-use.ts';
import type { ConfigWatch } from './config/watch.ts';
import type { Guests } from './guests.ts';
import type { Lag } from './lag.ts';
import type { Outbound } from './outbound.ts';
import type { Pauses } from './pauses.ts';
import type { Placements } from './placements.ts';
import type { Setup } from './secrets/setup.ts';

/** The rooms, built and wired: what the ops work with. */
export interface HostContext {
  facts: HostFacts;
  settings: HostSettings;
  config: ConfigInUse;
  configWatch: ConfigWatch;
  time: Time;
  store: Store;
  /** Rows of the store that could not be read. */
  asides: Asides;
  journal: Journal;
  events: Events;
  catalog: Catalog;
  /** Agents that a client brought. */
  guests: Guests;
  /** The calls that agents make to other servers. */
  outbound: Outbound;
  workers: Workers;
  jobs: Jobs;
  schedule: Schedule;
  pauses: Pauses;
  placements: Placements;
  /** Lifts the hold of safe mode, or else a person's pause. */
  resume(agent: string): Promise<void>;
  states: States;
  /** Agents that lack a secret, and the secrets. */
  setup: Setup;
  healer: Healer;
  lag: Lag;
  /** Hosts that ended unasked since the last one that worked, oldest first; empty after an orderly end. */
  lastWords: readonly HostEndRecord[];
  /** How long ago each loop last turned. */
  ages(): LoopAges;
  /** What is wrong with the host itself, for people: safe mode, a guardian that is gone. */
  warnings(): PlainFault[];
  /** Begins to stop the host; does not wait. */
  stop(): void;
}

export interface HostFacts {
  folder: string;
  /** What the folder is whatever it is called. */
  folderId: string | undefined;
  version: string;
  pid: number;
  watchedBy: 'guardian' | 'systemd' | null;
  guardian: number | null;
  /** Epoch ms. */
  startedAt: number;
  socket: string;
  store: StorePlace;
  logFolder: string;
}
