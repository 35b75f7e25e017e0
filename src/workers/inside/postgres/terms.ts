import { BOUNDS } from '../../../kernel/bounds.ts';
import { readCount } from '../../../kernel/units.ts';
import type { PoolOptions } from '../../../plugin/pg.ts';
import type { JobOwner } from '../job-owner.ts';
import { invalid, lengthOf, optionsOf, valueRead } from '../options.ts';
import type { PoolHost, PoolTerms } from './ports.ts';

const OPTIONS = [
  'password',
  'max',
  'checkoutTimeout',
  'statementTimeout',
  'idleInTransaction',
  'lifetime',
  'idleTimeout',
  'longestHold',
  'ca',
] as const;
const DEFAULT_PORT = 5432;
/** PostgreSQL cuts `application_name` at 63 bytes. */
const LONGEST_NAME = 63;
/** Keys of a connection string that mean something here. */
const KEYS = ['sslmode', 'channel_binding', 'options'] as const;
/** `prefer` would send the password in the clear to whoever answers without TLS, so it is read as the stricter ones are. */
const VERIFIED = new Set(['prefer', 'require', 'verify-ca', 'verify-full']);

/**
 * Reads the arguments of `pool`. Throws `CALL_INVALID`; no message holds the connection string, which may have a password
 * in it.
 */
export function readPoolTerms(connectionString: unknown, given: PoolOptions = {}): PoolTerms {
  const options = optionsOf(given, OPTIONS, 'pool');
  const url = typeof connectionString === 'string' ? URL.parse(connectionString) : null;
  if (!url || (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') || url.hostname === '') {
    throw invalid('pool takes a connection string: postgres://user@host:5432/database');
  }
  const keys = keysOf(url);
  const user = decodeURIComponent(url.username);
  if (user === '') throw invalid('the connection string names no user: postgres://user@host:5432/database');
  return {
    host: url.hostname.replace(/^\[(.+)\]$/, '$1'),
    port: Number(url.port) || DEFAULT_PORT,
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    user,
    password: textOf(options.password, 'password') ?? decodeURIComponent(url.password),
    ssl: sslOf(keys.get('sslmode'), textOf(options.ca, 'ca')),
    channelBinding: keys.get('channel_binding') === 'require',
    startOptions: keys.get('options') ?? '',
    max: valueRead(readCount(options.max ?? 4, BOUNDS.connections), 'max', options.max),
    checkoutMs: length(options.checkoutTimeout ?? '10s', 'checkoutTimeout'),
    statementMs:
      options.statementTimeout === undefined
        ? Number.POSITIVE_INFINITY
        : length(options.statementTimeout, 'statementTimeout'),
    idleInTransactionMs: length(options.idleInTransaction ?? '5m', 'idleInTransaction'),
    lifetimeMs: length(options.lifetime ?? '30m', 'lifetime'),
    idleMs: length(options.idleTimeout ?? '1m', 'idleTimeout'),
    longestHoldMs: length(options.longestHold ?? '1m', 'longestHold'),
  };
}

/** Statements by which the server knows whose the connection is now, and how long that job may take. */
export function greetingOf(
  { statementMs, idleInTransactionMs }: PoolTerms,
  job: Pick<JobOwner, 'id' | 'startedAt'>,
  { agent, timeoutMs, clock }: Pick<PoolHost, 'agent' | 'timeoutMs' | 'clock'>,
): string {
  const leftMs = job.startedAt + timeoutMs - clock();
  // To PostgreSQL 0 means no limit: a job whose time is over must not get that.
  const within = (ms: number) => {
    const least = Math.min(ms, leftMs);
    return least > BOUNDS.timer.most ? 0 : Math.max(1, Math.floor(least));
  };
  const name = `daruma ${agent} ${job.id}`.replaceAll("'", '').slice(0, LONGEST_NAME);
  return [
    `SET statement_timeout = ${within(statementMs)}`,
    `SET idle_in_transaction_session_timeout = ${within(idleInTransactionMs)}`,
    `SET application_name = '${name}'`,
  ].join('; ');
}

function keysOf(url: URL): Map<string, string> {
  const keys = new Map(url.searchParams);
  for (const key of keys.keys()) {
    if (!KEYS.some((one) => one === key)) {
      throw invalid(`the connection string has ${key}, and a pool reads ${KEYS.join(', ')} only`);
    }
  }
  return keys;
}

function sslOf(mode: string | undefined, ca: string | undefined): PoolTerms['ssl'] {
  if (mode === undefined || mode === 'disable') {
    if (ca !== undefined)
      throw invalid('ca means nothing without TLS: add sslmode=verify-full to the connection string');
    return false;
  }
  if (mode === 'no-verify') return { rejectUnauthorized: false };
  if (!VERIFIED.has(mode)) throw invalid(`sslmode ${mode} is none of disable, no-verify, require, verify-full`);
  return { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) };
}

function length(said: unknown, name: string): number {
  return lengthOf(said, BOUNDS.timer, name);
}

function textOf(value: unknown, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(`${name} is a text`);
}
