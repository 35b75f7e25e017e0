import type { FenceReport } from '../fence/terms.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { PoolUse } from './pool-use.ts';

/** A job that a worker has. Times are epoch ms; null: nothing was heard of it. */
export interface JobNow {
  job: string;
  startedAt: number | null;
  /** The text of its last beat. */
  lastBeat: string | null;
  /** Since it last beat, logged or called. */
  quietMs: number | null;
}

/** An agent's wait for room. */
export interface RoomWait {
  forMs: number;
  /** Workers that there may be at once. */
  most: number;
  /** The bound is narrower than the host's own, because the machine is short. */
  isNarrowed: boolean;
}

/** The cells and workers of a host, as they are now. */
export interface WorkersView {
  /** `agent`: of an own cell. `fence`: what the cell found when it shut itself in; null until then. */
  cells: {
    pid: number;
    is: 'spare' | 'shared' | 'own';
    agent: string | null;
    workers: number;
    rssBytes: number | null;
    fence: FenceReport | null;
  }[];
  workers: {
    worker: string;
    agent: string;
    version: string;
    is: 'starting' | 'idle' | 'busy' | 'draining' | 'stopping';
    /** The oldest of its jobs. */
    job: string | null;
    /** Of the job, epoch ms. */
    startedAt: number | null;
    /** All that it does, oldest first. */
    jobs: JobNow[];
    /** Heap and external memory. */
    memoryBytes: number | null;
    lastBeat: string | null;
    /** null: it has made none. */
    pools: PoolUse | null;
  }[];
  /** The bound on all workers, null: none; and the agents that have due jobs and wait for a worker because of it. */
  room: { most: number | null; waiting: { agent: string; forMs: number }[] };
  /** Why no cell can be started: the newest few ended before any lived for a moment. undefined: they can. */
  cellFault?: PlainFault | undefined;
}
