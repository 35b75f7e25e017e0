import type { PlainFault } from '../../../kernel/fault.ts';
import type { Time } from '../../../kernel/time.ts';
import type { PoolUse } from '../../pool-use.ts';
import type { BareCall } from '../../wire.ts';
import type { JobOwner } from '../job-owner.ts';

/** The worker, as its pools see it. */
export interface PoolHost {
  agent: string;
  /** Of one job, in ms; Infinity: none. */
  timeoutMs: number;
  time: Time;
  /** The shared clock, by which `JobOwner.startedAt` is. */
  clock(): number;
  /** The job on whose behalf code runs; undefined outside of jobs. */
  job(): JobOwner | undefined;
  /** An error as the worker's own code knows it. */
  fault(plain: PlainFault, cause?: unknown): Error;
  /** Reports a connection that the job left checked out, or has had for too long. */
  report(is: 'connection' | 'held', job: string, error: Error): void;
  /** A sign of life of the job. */
  progress(): void;
  used(use: PoolUse): void;
  /** Asks the host on behalf of the job. Rejects for a job that has ended. */
  ask(job: JobOwner, call: BareCall): Promise<unknown>;
}

/** An address and its terms, as they were read. */
export interface PoolTerms {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  /** The options of `tls.connect`; false: no TLS. */
  ssl: false | { rejectUnauthorized: boolean; ca?: string };
  channelBinding: boolean;
  /** Settings of the session, as `-c geqo=off`. */
  startOptions: string;
  max: number;
  checkoutMs: number;
  statementMs: number;
  idleInTransactionMs: number;
  lifetimeMs: number;
  idleMs: number;
  longestHoldMs: number;
}
