import type { PlainFault } from '../kernel/fault.ts';
import type { Assignment, Outcome } from './model.ts';
import type { AttemptRef } from './ports.ts';

/** Workers as the dispatcher needs them. */
export interface WorkerPort {
  /** How many more jobs the agent's workers would take now; 0 while the agent is unknown. A cold agent has room. */
  capacity(agent: string): number;
  /**
   * Whether the agent has no worker and gets none now, because the host has as many workers as it may: its due jobs can
   * `waitForRoom`. False for one that waits already. Default: never.
   */
  lacksRoom?(agent: string): boolean;
  /** The agent has due jobs: it gets a worker in its turn. */
  waitForRoom?(agent: string): void;
  /** Hands attempts over, never more than `capacity` said. An attempt comes back in exactly one event. */
  dispatch(agent: string, assignments: Assignment[]): void;
  /** Aborts the running attempt's signal, and kills its worker after the grace. The attempt ends as any other does. */
  abort(ref: AttemptRef, why: PlainFault): void;
}

/** Events of workers, for the dispatcher. */
export interface WorkerEvents {
  /** Attempts that ended. `worker` names who ran them: `w12`; `fingerprint`: of the agent that it was started for. */
  ended(outcomes: { worker: string; outcome: Outcome; fingerprint?: string }[]): void;
  /** Attempts that never entered `run`. */
  released(attempts: AttemptRef[]): void;
  /** The agent's workers would take more. */
  capacityChanged(agent: string): void;
}
