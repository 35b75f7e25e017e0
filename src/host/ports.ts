import type { PlainFault } from '../kernel/fault.ts';
import type { Service } from '../kernel/service.ts';
import type { ConfigInUse } from './config/in-use.ts';
import type { HostContext } from './host-context.ts';
import type { Watched } from './lifecycle/watched.ts';

/** A host that is at work. */
export interface Host {
  hostContext: HostContext;
  /**
   * Ends everything in reverse order; running jobs get `drainMs` to finish, the rest is tried again at the next start.
   * `failed`: nobody asked for it.
   */
  stop(failed?: boolean, drainMs?: number): Promise<void>;
}

/** What a host is started with. */
export interface HostOptions {
  folder: string;
  config: ConfigInUse;
  /** Default: nobody watches. */
  watched?: Watched;
  /** Gets every loop of the house, by name, as soon as it is started. */
  loops?: Map<string, Service>;
  /** Called when the host is asked to stop, or cannot go on. `again`: only to start anew with what its settings are then. */
  ending(why: string, failed: boolean, again?: boolean): void;
  /** Called when what the host stands on is gone: it is to end, and no other one to take its place. */
  gone(fault: PlainFault): void;
}
