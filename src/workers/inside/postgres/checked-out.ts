import { AsyncResource } from 'node:async_hooks';
import type { PoolClient, QueryConfig, QueryResult } from '../../../plugin/pg.ts';
import { askedAt } from '../calls.ts';
import type { JobOwner } from '../job-owner.ts';
import { poolFaults, queryFault } from './faults.ts';
import type { PoolHost, PoolTerms } from './ports.ts';
import type { Session } from './session.ts';

interface CheckoutTerms {
  job: JobOwner;
  session: Session;
  /** Taken where the plugin asked for the connection. */
  asked: Error;
  terms: PoolTerms;
  host: PoolHost;
  /** The job has the session no more. `isTakenBack`: not by its own doing. */
  over(isTakenBack: boolean): void;
}

/** A connection that a job has. */
export interface CheckedOut {
  readonly client: PoolClient;
  query(text: string | QueryConfig, values: readonly unknown[] | undefined, asked: Error): Promise<QueryResult>;
  release(): void;
  isOpen(): boolean;
  /** An error that says who has it and since when, with the stack that took it. */
  holder(): Error;
  part(): void;
}

/** Events of a connection that a plugin may listen to; its listeners go with the release. */
const EVENTS = ['notification', 'notice', 'drain'];

export function createCheckedOut({ job, session, asked, terms, host, over }: CheckoutTerms): CheckedOut {
  const { time } = host;
  const since = time.now();
  const tookAt = time.monotonic();
  let state: 'open' | 'released' | 'taken-back' = 'open';
  const stopWatch = time.after(terms.longestHoldMs, () =>
    host.report('held', job.id, askedAt(host.fault(poolFaults.heldLong(terms, time.monotonic() - tookAt)), asked)),
  );
  const resource = { aborted: () => session.cancel(), ended: takeBack };
  job.resources ??= new Set();
  job.resources.add(resource);

  function takeBack() {
    const isQuery = session.flaw() === 'query';
    host.report('connection', job.id, askedAt(host.fault(poolFaults.left(terms, isQuery)), asked));
    close('taken-back', true);
  }

  function close(as: 'released' | 'taken-back', isUnknown: boolean) {
    if (state !== 'open') return;
    state = as;
    stopWatch();
    job.resources?.delete(resource);
    for (const event of EVENTS) session.client.removeAllListeners(event);
    // Left before it is given back: the pool sees that it has gone.
    if (isUnknown) void session.leave();
    over(as === 'taken-back');
  }

  function release(reason?: boolean | Error) {
    if (state === 'taken-back') return;
    if (state === 'released') throw host.fault(poolFaults.released());
    const flaw = session.flaw();
    if (!reason && !job.aborted && (flaw === 'transaction' || flaw === 'query')) {
      host.report('connection', job.id, askedAt(host.fault(poolFaults.unfinished(terms, flaw)), asked));
    }
    close('released', Boolean(reason) || flaw !== undefined);
  }

  async function query(
    text: string | QueryConfig,
    values: readonly unknown[] | undefined,
    from: Error,
  ): Promise<QueryResult> {
    if (state !== 'open') throw askedAt(host.fault(poolFaults.released()), from);
    host.progress();
    try {
      const answer = session.client.query(text, values);
      return await session.track(answer as Promise<QueryResult>);
    } catch (error) {
      const fault = queryFault(terms, error);
      throw fault ? askedAt(host.fault(fault, error), from) : askedAt(error as Error, from);
    } finally {
      host.progress();
    }
  }

  const own: Record<PropertyKey, unknown> = {
    query(text: unknown, values?: readonly unknown[]) {
      // A cursor or a stream of another package hands itself over, and is answered by events.
      if (typeof (text as { submit?: unknown } | null)?.submit === 'function') {
        if (state !== 'open') throw host.fault(poolFaults.released());
        return session.client.query(text, values);
      }
      const answer = query(text as string, values, new Error());
      answer.catch(() => {});
      return answer;
    },
    /** The socket's events belong to the job that opened it; the listener belongs to the one that listens. */
    on(event: string, listener: () => void) {
      session.client.on(event, AsyncResource.bind(listener));
      return client;
    },
    release,
    [Symbol.dispose]() {
      if (state === 'open') release();
    },
    /** As with `pg`: the connection is closed. */
    async end() {
      release(true);
    },
  };
  const client: PoolClient = new Proxy(session.client, {
    get(target, key) {
      if (Object.hasOwn(own, key)) return own[key];
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  }) as unknown as PoolClient;

  return {
    client,
    query,
    release: () => {
      if (state === 'open') release();
    },
    isOpen: () => state === 'open',
    holder() {
      const text = poolFaults.holder({ job: job.id, since, heldMs: time.monotonic() - tookAt });
      return askedAt(new Error(text), asked);
    },
    part: () => session.part(),
  };
}
