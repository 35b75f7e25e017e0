import type { PgPool, Queries } from '../../../plugin/pg.ts';
import type { PoolUse } from '../../pool-use.ts';
import { createAdmissions } from './admission.ts';
import type { CheckedOut } from './checked-out.ts';
import { createCheckouts } from './checkouts.ts';
import { poolFaults } from './faults.ts';
import type { PoolHost, PoolTerms } from './ports.ts';
import { openSession, type Session } from './session.ts';

/** A pool, and what only its worker does with it. */
export interface OwnPool extends PgPool {
  use(): PoolUse;
  /** Says goodbye to the server on all connections at once. */
  part(): void;
}

/** `connect`: opens a connection within so many ms. */
export function createPgPool(
  terms: PoolTerms,
  host: PoolHost,
  changed: () => void,
  connect: (withinMs: number) => Promise<Session> = (withinMs) => openSession(terms, withinMs, host),
): OwnPool {
  const admissions = createAdmissions(terms, host, connect);
  const { checkOut, use, closeIdle, part } = createCheckouts({ terms, host, changed, admissions });
  const rolledBack = () => host.fault(poolFaults.rolledBack(terms));

  async function during<T>(work: (checkedOut: CheckedOut) => Promise<T>, asked: Error): Promise<T> {
    const checkedOut = await checkOut(asked);
    try {
      return await work(checkedOut);
    } finally {
      checkedOut.release();
    }
  }

  return {
    connect: () => quiet(checkOut(new Error()).then(({ client }) => client)),
    query: (text, values) => {
      const asked = new Error();
      return quiet(during((checkedOut) => checkedOut.query(text, values, asked) as never, asked));
    },
    transaction: (work) => {
      const asked = new Error();
      return quiet(during((checkedOut) => inTransaction(checkedOut, work, rolledBack), asked));
    },
    end: closeIdle,
    get totalCount() {
      const { held, idle } = use();
      return held + idle;
    },
    get idleCount() {
      return use().idle;
    },
    get waitingCount() {
      return use().waiting;
    },
    use,
    part,
  };
}

/** BEGIN, the work, COMMIT; ROLLBACK when the work throws. */
async function inTransaction<T>(
  checkedOut: CheckedOut,
  work: (client: Queries) => Promise<T>,
  rolledBack: () => Error,
): Promise<T> {
  const { client } = checkedOut;
  await client.query('BEGIN');
  try {
    const result = await work({ query: (text, values) => client.query(text, values) });
    const { command } = await client.query('COMMIT');
    // The server's answer to the COMMIT of a transaction in which a statement has failed.
    if (command === 'ROLLBACK') throw rolledBack();
    return result;
  } catch (error) {
    // A connection on which that fails is closed by its release.
    if (checkedOut.isOpen()) await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** A query that the plugin does not await is its own mistake, and is named as such: its rejection ends no worker. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
