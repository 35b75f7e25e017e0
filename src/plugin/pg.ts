import type { Duration } from './units.ts';

/** The exports of `import { pool } from 'daruma/pg'`. The code behind them is lent by the worker, and runs in jobs only. */

/** A query as `pg` takes it: SQL with `$1`, `$2` … for its values. */
export interface QueryConfig {
  text: string;
  values?: readonly unknown[];
  /** Prepares the statement under this name, once a connection. */
  name?: string;
  /** Rows as lists instead of objects. */
  rowMode?: 'array';
}

/** The answer to a query, as `pg` gives it. */
export interface QueryResult<Row = Record<string, unknown>> {
  rows: Row[];
  /** Rows that the statement returned or changed; null where SQL counts none. */
  rowCount: number | null;
  /** `SELECT`, `INSERT` … */
  command: string;
  fields: { name: string; dataTypeID: number }[];
}

/** Asks one query at a time, in order. Rejects with the server's error (its SQLSTATE is `error.code`), or a fault `PG_…`. */
export interface Queries {
  query<Row = Record<string, unknown>>(
    text: string | QueryConfig,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
}

/**
 * A connection that one job has for itself until it is released. `using client = await db.connect()` releases it at the
 * end of the block. A connection that nobody releases is closed at the end of the job, and its plugin is named.
 */
export interface PoolClient extends Queries {
  /** Gives the connection back; `true` or an error: it is closed. Any use after that throws `PG_RELEASED`. */
  release(close?: boolean | Error): void;
  [Symbol.dispose](): void;
  /** A notification of `LISTEN`; the listener is gone with the connection's release. */
  on(
    event: 'notification',
    listener: (message: { channel: string; payload?: string; processId: number }) => void,
  ): this;
  escapeIdentifier(name: string): string;
  escapeLiteral(text: string): string;
}

/** The connections of one worker to one database. Each query and each `connect` belongs to the job that asks. */
export interface PgPool extends Queries {
  /** Resolves with a connection; rejects with `PG_POOL_EXHAUSTED`, which says who has the others. */
  connect(): Promise<PoolClient>;
  /** Runs `work` between BEGIN and COMMIT on one connection; whatever it throws rolls back and is thrown on. */
  transaction<T>(work: (client: Queries) => Promise<T>): Promise<T>;
  /** Closes the connections that nobody has. The pool opens others when it is asked again. */
  end(): Promise<void>;
  /** Connections that are open or being opened. */
  readonly totalCount: number;
  readonly idleCount: number;
  /** Calls that wait for a connection. */
  readonly waitingCount: number;
}

/** Settings of a pool; all of them have defaults. */
export interface PoolOptions {
  /** The password, where the connection string has none: `secrets.DB_PASSWORD`. */
  password?: string;
  /** Connections of one worker: 1 … 100. Default 4. */
  max?: number;
  /** How long a job waits for a connection, the time to open one included. Default `10s`. */
  checkoutTimeout?: Duration;
  /** The longest that a statement may take, never more than the time that is left to the job. Default: that. */
  statementTimeout?: Duration;
  /** The longest pause within a transaction, never more than the time that is left to the job. Default `5m`. */
  idleInTransaction?: Duration;
  /** A connection is closed when it is this old (±10 %) and free. Default `30m`. */
  lifetime?: Duration;
  /** A free connection is closed after this time. Default `1m`. */
  idleTimeout?: Duration;
  /** A connection that a job has for longer is reported with the stack that took it, while the job goes on. Default `1m`. */
  longestHold?: Duration;
  /** The certificate of a private authority, in PEM, for `sslmode=require` and above. */
  ca?: string;
}

/**
 * The pool of this worker for a database: the same one for the same connection string. Opens nothing by itself.
 * The host must be in `needs.net`.
 *
 * @throws `CALL_INVALID` for a string that is no `postgres://…`, unknown options, or other options than at the first call.
 */
export declare const pool: (connectionString: string, options?: PoolOptions) => PgPool;
