import type Client from 'pg/lib/client';
import { entryFile } from '../../../kernel/paths.ts';
import type { Time } from '../../../kernel/time.ts';
import { connectFault, poolFaults } from './faults.ts';
import type { PoolHost, PoolTerms } from './ports.ts';

type Driver = typeof import('./driver.ts');

/** The server may take this long to end a connection; then its socket is closed on our side. */
const FAREWELL_MS = 5_000;
/** After a cancel the server may take this long to end the query. */
const CANCEL_MS = 1_000;
/** The server looks so often whether the client of a running query is still there (PostgreSQL 14 and newer). */
const CHECK_CLIENT = 'SET client_connection_check_interval = 1000; ';
const FIRST_WITH_CHECK = 14;
const KEEP_ALIVE_MS = 30_000;
/** Pauses between attempts to connect; the last one is repeated. */
const PAUSES_MS = [100, 250, 500, 1_000];
const FEW = 3;
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

/** A connection to the server. */
export interface Session {
  readonly client: Client;
  /** The monotonic time after which no job gets it. */
  readonly expiresAt: number;
  /** Settled when the connection has ended, by whatever side. */
  readonly ended: Promise<void>;
  /** The reason why the session cannot be given to another job; undefined: it can. */
  flaw(): 'lost' | 'query' | 'transaction' | 'cancelled' | 'old' | undefined;
  /** Counts as a running query until the promise is settled. */
  track<T>(query: Promise<T>): Promise<T>;
  /** Sets what holds for one job. Rejects with the server's error, or after `withinMs`. */
  prepare(text: string, withinMs: number): Promise<void>;
  /** Cancels the query that runs, at the server; a server that does not answer loses its connection. */
  cancel(): void;
  /** Closes the session, with a cancel before when a query runs. Resolves when the server has ended it, 5 s later at most. */
  leave(): Promise<void>;
  /** Says goodbye at once, for a thread that ends. */
  part(): void;
}

/** Opens a connection; tries again where that may help. Rejects with a fault of `poolFaults` within `withinMs`. */
export async function openSession(terms: PoolTerms, withinMs: number, host: PoolHost): Promise<Session> {
  const { time } = host;
  const until = time.monotonic() + withinMs;
  const driver = (await import(entryFile('workers/inside/postgres/driver.js').href)) as Driver;
  let last: Error | undefined;
  for (let tries = 1; ; tries++) {
    const left = Math.max(1, until - time.monotonic());
    try {
      return await connect(driver, terms, left, host);
    } catch (error) {
      const verdict = connectFault(terms, error);
      // The time was over in the midst of another try: the answer before it says more than none.
      if (!verdict) throw (error as { code?: string }).code === 'PG_NO_ANSWER' ? (last ?? error) : error;
      last = host.fault(verdict.fault, error);
      const pause = PAUSES_MS[Math.min(tries, PAUSES_MS.length) - 1]!;
      const isLast = verdict.again === 'no' || (verdict.again === 'few' && tries === FEW);
      if (isLast || time.monotonic() + pause >= until) throw last;
      await time.sleep(pause);
    }
  }
}

async function connect({ Client, Connection }: Driver, terms: PoolTerms, withinMs: number, host: PoolHost) {
  const { time } = host;
  const client = new Client(settingsOf(terms, host.agent));
  // Without a listener, an error of a connection that nobody uses would end the worker.
  client.on('error', () => {});
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  let first = '';
  client.connection.on('parameterStatus', ({ parameterName: name, parameterValue: value }: Record<string, string>) => {
    if (name === 'server_version' && Number.parseInt(value!, 10) >= FIRST_WITH_CHECK) first = CHECK_CLIENT;
  });
  await login(client, terms, withinMs, host);
  return createSession({ client, ended, lifetimeMs: terms.lifetimeMs, time, first, sendCancel });

  function sendCancel() {
    const { processID, secretKey } = client;
    if (processID === null || secretKey === null) return;
    const asking = new Connection({});
    asking.on('error', () => {});
    asking.once('connect', () => asking.cancel(processID, secretKey));
    asking.connect(terms.port, terms.host);
    const stop = time.after(CANCEL_MS, () => asking.stream.destroy());
    asking.once('end', stop);
  }
}

function settingsOf(terms: PoolTerms, agent: string): Record<string, unknown> {
  return {
    host: terms.host,
    port: terms.port,
    database: terms.database,
    user: terms.user,
    // A function: an empty text would send `pg` looking for a password in the environment and in files.
    password: () => terms.password,
    ssl: terms.ssl,
    enableChannelBinding: terms.channelBinding,
    options: terms.startOptions,
    application_name: `daruma ${agent}`,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
}

/** Rejects with the error of the driver, or with the fault of a server that says nothing. */
async function login(client: Client, terms: PoolTerms, withinMs: number, { time, fault }: PoolHost): Promise<void> {
  let isLate = false;
  const stop = time.after(withinMs, () => {
    isLate = true;
    client.connection.stream.destroy();
  });
  try {
    await client.connect();
  } catch (error) {
    client.connection.stream.destroy();
    throw isLate ? fault(poolFaults.noAnswer(terms, withinMs), error) : error;
  } finally {
    stop();
  }
}

interface SessionNeeds {
  client: Client;
  ended: Promise<void>;
  lifetimeMs: number;
  time: Time;
  /** Statements before the first preparation; servers on some systems refuse them. */
  first: string;
  sendCancel(): void;
}

function createSession({ client, ended, lifetimeMs, time, first, sendCancel }: SessionNeeds): Session {
  const expiresAt = time.monotonic() + lifetimeMs * (0.9 + 0.2 * time.random());
  const { connection } = client;
  let running = 0;
  let before = first;
  let isLost = false;
  let isCancelled = false;
  let leaving: Promise<void> | undefined;
  client.on('error', lose);
  void ended.then(lose);

  function lose() {
    isLost = true;
  }

  async function track<T>(query: Promise<T>): Promise<T> {
    running += 1;
    try {
      return await query;
    } finally {
      running -= 1;
    }
  }

  function cancel() {
    if (running === 0 || isLost) return;
    isCancelled = true;
    sendCancel();
    time.after(CANCEL_MS, () => {
      if (running > 0) connection.stream.destroy();
    });
  }

  async function prepare(text: string): Promise<void> {
    const said = before;
    before = '';
    try {
      await track(client.query(said + text) as Promise<unknown>);
    } catch (error) {
      // A server that cannot look whether its client is there: it notices at the end of a query.
      if (said === '' || isLost) throw error;
      await prepare(text);
    }
  }

  async function leaveOnce() {
    cancel();
    part();
    const stop = time.after(FAREWELL_MS, () => connection.stream.destroy());
    await ended;
    stop();
  }

  function part() {
    if (isLost || !connection.stream.writable) connection.stream.destroy();
    // The server reads it after the query that is cancelled, ends, and then closes the socket.
    else connection.stream.write(TERMINATE);
  }

  return {
    client,
    expiresAt,
    ended,
    flaw() {
      if (isLost || leaving) return 'lost';
      if (running > 0) return 'query';
      if (client.getTransactionStatus() !== 'I') return 'transaction';
      // A cancel that comes late would end a query of the next job.
      if (isCancelled) return 'cancelled';
      return time.monotonic() >= expiresAt ? 'old' : undefined;
    },
    track,
    async prepare(text, withinMs) {
      const stop = time.after(withinMs, () => connection.stream.destroy());
      try {
        await prepare(text);
      } finally {
        stop();
      }
    },
    cancel,
    leave() {
      leaving ??= leaveOnce();
      return leaving;
    },
    part,
  };
}
