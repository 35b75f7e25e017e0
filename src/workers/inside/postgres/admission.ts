import { type Admission, type CallEnd, type OriginDown, originDown, postgresOrigin } from '../../../kernel/origin.ts';
import type { BareCall } from '../../wire.ts';
import { hostAnswer } from '../host-answer.ts';
import type { JobOwner } from '../job-owner.ts';
import type { PoolHost, PoolTerms } from './ports.ts';
import type { Session } from './session.ts';

/** A server that was given less time to answer is not counted as failing. */
const FAILS_AFTER_MS = 5_000;

/** Opens connections to one server, where the breaker of its origin lets them: one for all agents, as for calls of `fetch`. */
export interface Admissions {
  /** Rejects with `ORIGIN_DOWN` while the server counts as down, else as `connect` does. */
  open(job: JobOwner, withinMs: number): Promise<Session>;
}

export function createAdmissions(
  terms: PoolTerms,
  host: PoolHost,
  connect: (withinMs: number) => Promise<Session>,
): Admissions {
  const { time } = host;
  const origin = postgresOrigin(terms.host, terms.port);

  const ask = <T>(job: JobOwner, call: BareCall) => hostAnswer<T>(time, host.ask(job, call));

  return {
    async open(job, withinMs) {
      const leave = await ask<Admission>(job, { ask: 'admit', origin, alone: true, timeoutMs: Math.ceil(withinMs) });
      if (leave?.is === 'down') throw host.fault(originDown(leave.down));
      const begun = time.monotonic();
      const reportEnd = (end: CallEnd) =>
        leave && ask<OriginDown | null>(job, { ask: 'fetched', meant: origin, origin, pass: leave.pass, end });
      const since = () => Math.round(time.monotonic() - begun);
      let session: Session;
      try {
        session = await connect(withinMs);
      } catch (error) {
        const down = await reportEnd(endOf(error as Error, since(), withinMs));
        throw down ? host.fault(originDown(down), error) : error;
      }
      void reportEnd({ is: 'good', ms: since() });
      return session;
    },
  };
}

/** A server that refuses a login, or has no connection left, is up. */
function endOf(error: Error & { code?: string }, ms: number, withinMs: number): CallEnd {
  const { code, cause, message } = error;
  const failure = { what: cause instanceof Error && cause.message !== '' ? cause.message : message };
  if (code === 'PG_UNREACHABLE') return { is: 'bad', ms, failure };
  if (code === 'PG_NO_ANSWER') return withinMs >= FAILS_AFTER_MS ? { is: 'bad', ms, failure } : { is: 'gone', ms };
  return { is: 'good', ms };
}
