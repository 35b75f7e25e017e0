import type { CatalogChange } from '../catalog/ports.ts';
import type { BrokerBroken, ExecLeft, ExecUsed } from '../gateway/exec/ports.ts';
import type { RefusedChain } from '../jobs/chains.ts';
import type { AttemptRef, Settlement } from '../jobs/ports.ts';
import type { WorkerEvents } from '../jobs/worker-port.ts';
import type { Bus } from '../kernel/bus.ts';
import type { WarningChange } from '../telemetry/warnings/warning.ts';
import type { LeftOver, WorkerEnd, WorkerReading } from '../workers/ports.ts';

/** The facts that rooms find out and that other rooms act on. `subscriptions.ts` says who does. */
export interface RoomFacts {
  /** The set of agents in force is another one. */
  'agents.changed': CatalogChange;
  /** Guests came or went: agents of a client, beside those in force. */
  'guests.changed': undefined;
  /** A fact that placements are made of has changed; jobs of these agents may start now. */
  'placement.changed': readonly string[];
  /** Secrets that these agents declare have other values, came or went. */
  'secrets.changed': readonly string[];
  /** Attempts came back from workers, with their outcomes. */
  'attempts.ended': Parameters<WorkerEvents['ended']>[0];
  /** Attempts came back from workers before they began. */
  'attempts.released': AttemptRef[];
  /** Workers of the agent may take more jobs. */
  'capacity.changed': string;
  /** The end of an attempt is written down. `agent`: empty for an attempt of an earlier host. */
  'attempt.settled': { end: Settlement; agent: string };
  /** A worker ended otherwise than by a drain. */
  'worker.gone': WorkerEnd;
  /** A look at all workers of a cell. */
  reading: readonly WorkerReading[];
  /** A job that had ended left something in its worker that threw. */
  'job.left-over': LeftOver;
  /** A cell was replaced for memory or files that no worker of it accounts for. */
  'cell.replaced': { pid: number; agents: string[]; why: string; killed: boolean };
  /** A command left processes running when its attempt ended. */
  'command.left': ExecLeft;
  'command.used': ExecUsed;
  /** The exec broker was killed for what it sent. */
  'broker.broken': BrokerBroken;
  /** A server that agents call went down, was probed, or is back. */
  'origin.changed': undefined;
  /** A job was refused to make another. */
  'chain.refused': RefusedChain;
  /** A batch has another state, or more results. */
  'batch.changed': undefined;
  /** Agents came to be without a next slot, or have one again. */
  'planning.changed': undefined;
  /** Early warnings began, got more certain, or are over. */
  'warnings.changed': readonly WarningChange[];
}

export type HostBus = Bus<RoomFacts>;
