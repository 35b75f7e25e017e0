/**
 * The code of `daruma/pg` as a worker lends it: a bundle of its own, which workers and load processes load where a plugin
 * imports it. The worker opens it before the plugin gets it; elsewhere pools can be made, and ask no query.
 */
import { Fault } from '../../../kernel/fault.ts';
import type { PgPool, PoolOptions } from '../../../plugin/pg.ts';
import { sumOfUse } from '../../pool-use.ts';
import { invalid } from '../options.ts';
import type { poolFaults } from './faults.ts';
import { createPgPool, type OwnPool } from './pool.ts';
import type { PoolHost, PoolTerms } from './ports.ts';
import { readPoolTerms } from './terms.ts';

/** Outside of workers there is no job. */
const NOWHERE = {
  job: () => undefined,
  fault: (plain: ReturnType<typeof poolFaults.noJob>) => new Fault(plain),
} as unknown as PoolHost;

let host: PoolHost | undefined;
const pools = new Map<string, { terms: PoolTerms; pool: OwnPool }>();

/** Gives the pools their worker, once. `close` says goodbye to the server on all connections. */
export function openPools(worker: PoolHost): { close(): void } {
  if (host) throw new Error('the pools of this worker are open');
  host = worker;
  return {
    close() {
      for (const { pool } of pools.values()) pool.part();
    },
  };
}

/** See `daruma/pg` (src/plugin/pg.ts). */
export function pool(connectionString: string, options?: PoolOptions): PgPool {
  try {
    const terms = readPoolTerms(connectionString, options);
    const known = pools.get(connectionString);
    if (!known) return opened(connectionString, terms);
    if (JSON.stringify(known.terms) === JSON.stringify(terms)) return known.pool;
    throw invalid('this worker has a pool for the same connection string, with other options: make it once');
  } catch (error) {
    // A fault that the worker knows as its own: no other attempt helps against a call that cannot be meant.
    throw error instanceof Fault && host ? host.fault(error.plain) : error;
  }
}

function opened(connectionString: string, terms: PoolTerms): PgPool {
  const made = createPgPool(terms, host ?? NOWHERE, () => {
    const use = sumOfUse([...pools.values()].map(({ pool }) => pool.use()));
    if (use) host?.used(use);
  });
  pools.set(connectionString, { terms, pool: made });
  return made;
}
