import type { PlainFault } from '../../../kernel/fault.ts';
import { isoOf } from '../../../kernel/instant.ts';
import { formatDuration } from '../../../kernel/units.ts';
import type { PoolTerms } from './ports.ts';

/** A checkout that others wait for. */
interface Holder {
  job: string;
  /** Epoch ms. */
  since: number;
  heldMs: number;
}

/** Faults of pools. No message holds a password. */
export const poolFaults = {
  exhausted(terms: PoolTerms, holders: number): PlainFault {
    return {
      code: 'PG_POOL_EXHAUSTED',
      message: `no connection to ${placeOf(terms)} became free within ${formatDuration(terms.checkoutMs)}, and ${holders} of ${terms.max} are taken`,
      next: 'release each connection (using client = await db.connect(), or db.transaction), or raise max',
    };
  },
  holder({ job, since, heldMs }: Holder): string {
    return `job ${job} has had one for ${formatDuration(heldMs)}, since ${isoOf(since)}`;
  },
  left(terms: PoolTerms, isQuery: boolean): PlainFault {
    return {
      code: 'PG_LEFT_OPEN',
      message: isQuery
        ? `a query to ${placeOf(terms)} still ran when its job ended; it was cancelled`
        : `a connection to ${placeOf(terms)} was not released by its job; it was closed`,
      next: isQuery ? 'await each query before run returns' : 'using client = await db.connect(), or db.transaction',
    };
  },
  unfinished(terms: PoolTerms, is: 'transaction' | 'query'): PlainFault {
    return {
      code: 'PG_UNFINISHED',
      message: `a connection to ${placeOf(terms)} was released ${is === 'query' ? 'while its query still ran' : 'within a transaction'}; it was closed, and nothing of that is kept`,
      next:
        is === 'query' ? 'await each query before release' : 'COMMIT or ROLLBACK before release, or use db.transaction',
    };
  },
  heldLong(terms: PoolTerms, heldMs: number): PlainFault {
    return {
      code: 'PG_HELD_LONG',
      message: `a connection to ${placeOf(terms)} has been checked out for ${formatDuration(heldMs)}, and its job goes on`,
      next: 'release it before slow work, or set longestHold for this pool',
    };
  },
  released(): PlainFault {
    return {
      code: 'PG_RELEASED',
      message: 'this connection has been released, and may be another job’s by now',
      next: 'take another with db.connect()',
    };
  },
  noJob(): PlainFault {
    return {
      code: 'PG_NO_JOB',
      message: 'daruma/pg asks queries within a job of a worker only',
      next: 'use the pool in run; a test runs its plugin with runPlugin of daruma/testing',
    };
  },
  ended(job: string): PlainFault {
    return {
      code: 'ATTEMPT_ENDED',
      message: `job ${job} has ended; it gets no connection any more`,
      next: 'await everything that run begins before it returns',
    };
  },
  unreachable(terms: PoolTerms, why: string): PlainFault {
    return {
      code: 'PG_UNREACHABLE',
      message: `no PostgreSQL answers at ${placeOf(terms)}: ${why}`,
      next: 'is the server up, and are host and port right?',
    };
  },
  noAnswer(terms: PoolTerms, withinMs: number): PlainFault {
    return {
      code: 'PG_NO_ANSWER',
      message: `${placeOf(terms)} takes connections and gave no answer in ${formatDuration(withinMs)}, in a checkout of at most ${formatDuration(terms.checkoutMs)}`,
      next: 'is a PostgreSQL behind that port, and is it not frozen?',
    };
  },
  refused(terms: PoolTerms, why: string): PlainFault {
    return {
      code: 'PG_LOGIN_REFUSED',
      message: `${placeOf(terms)} refuses user ${terms.user}: ${why}`,
      next: 'check user, password (its secret) and database, and what pg_hba.conf of the server allows',
    };
  },
  tooMany(terms: PoolTerms, why: string): PlainFault {
    return {
      code: 'PG_TOO_MANY_CONNECTIONS',
      message: `${placeOf(terms)} has no connection left: ${why}`,
      next: 'lower max of the pools (each worker has its own), or raise max_connections of the server',
    };
  },
  lost(terms: PoolTerms, why: string): PlainFault {
    return {
      code: 'PG_LOST',
      message: `the connection to ${placeOf(terms)} was lost: ${why}`,
      next: 'the next query gets another connection; a transaction that was open is rolled back, and whether a COMMIT underway took place must be looked up',
    };
  },
  statementTimeout(terms: PoolTerms): PlainFault {
    return {
      code: 'PG_TIMEOUT',
      message: `a statement at ${placeOf(terms)} took longer than it may: the time left of its job, or statementTimeout`,
      next: 'make the query faster, or raise limits.timeout of the agent',
    };
  },
  rolledBack(terms: PoolTerms): PlainFault {
    return {
      code: 'PG_ROLLED_BACK',
      message: `${placeOf(terms)} rolled the transaction back at its COMMIT: a statement in it had failed, and its error was caught`,
      next: 'let errors of statements out of the transaction, or use a SAVEPOINT',
    };
  },
};

/** The database, as people know it: `shop at db.example:5432`. */
function placeOf({ database, host, port }: PoolTerms): string {
  return `${database} at ${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The server ends or loses its connections with these codes; classes 08 and 57P of SQLSTATE. */
const LOST_STATES = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', 'XX099']);
const LOST_CODES = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ECONNABORTED']);
/** `pg` has no code for these. */
const LOST_WORDS = /^(?:Connection terminated|Client has encountered a connection error|Client was closed)/;
const UNREACHABLE_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_NODATA',
  'EADDRNOTAVAIL',
  ...LOST_CODES,
]);

/** The state of the connection after an error of a query: whether the connection itself is gone. */
function isLoss(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return LOST_STATES.has(code) || LOST_CODES.has(code) || code.startsWith('08') || LOST_WORDS.test(message);
}

/** The fault for an error of a query; undefined for errors that are the query's own. */
export function queryFault(terms: PoolTerms, error: unknown): PlainFault | undefined {
  const { code, message = '' } = error as { code?: string; message?: string };
  if (isLoss(error)) return poolFaults.lost(terms, message);
  if (code === '57014' && message.includes('statement timeout')) return poolFaults.statementTimeout(terms);
  return undefined;
}

/** The verdict on an attempt to connect that failed: `again`: a moment later it may go well. */
export function connectFault(
  terms: PoolTerms,
  error: unknown,
): { fault: PlainFault; again: 'soon' | 'few' | 'no' } | undefined {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (code === '57P03') return { fault: poolFaults.unreachable(terms, message), again: 'soon' };
  if (code === '53300' || code === '53400') return { fault: poolFaults.tooMany(terms, message), again: 'soon' };
  if (code.startsWith('28') || code === '3D000' || code === '42501' || message.startsWith('SASL')) {
    return { fault: poolFaults.refused(terms, message), again: 'no' };
  }
  if (UNREACHABLE_CODES.has(code) || isLoss(error)) {
    return { fault: poolFaults.unreachable(terms, message || code), again: 'few' };
  }
  return undefined;
}
