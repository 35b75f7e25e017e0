import { pauseAfter } from '../../kernel/backoff.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import {
  type Admission,
  type CallEnd,
  type CallFailure,
  type OriginDown,
  originDown,
  originOf,
} from '../../kernel/origin.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Context } from '../../plugin/context.ts';
import type { BareCall } from '../wire.ts';
import { carriesSecret, connectionFailure, type FetchOrder, failureOf, forOrigin, orderOf } from './fetch-order.ts';
import { fetchTimeout, withIdleLimit } from './fetch-timeout.ts';
import { hostAnswer } from './host-answer.ts';

interface FetchNeeds {
  time: Time;
  secrets: Readonly<Record<string, string>>;
  /** The address of the model gateway: calls to it are no calls to a server, and it judges its providers by itself. */
  models: string | undefined;
  /** Of the attempt. */
  signal(): AbortSignal;
  /** Throws when the host is not in `needs.net`. */
  checkUrl(input: string | URL | Request): void;
  /** Asks the host; a host that does not answer must not hold up the call. */
  ask(call: BareCall): Promise<unknown>;
  /** A sign of life: of the plugin, which called, or of the server, which answered. A pause of ours is none. */
  progress(): void;
}

/** When the host says nothing about it. */
const TIMEOUT_MS = 30_000;
/** The pauses between tries: long enough for a restart behind a load balancer, short beside any job. */
const PAUSE = { first: 300, longest: 3_000 };
/** A longer Retry-After is the job's matter, or the breaker's. */
const LONGEST_OBEYED_MS = 10_000;
/** Others of a chain that are tried beyond the tries that were asked for. */
const MOST_OTHERS = 5;

/** The signal that ends a call, and the place where the plugin made the call. */
interface Asked {
  stop: AbortSignal[];
  asked: Error;
}

type Leave = Extract<Admission, { is: 'go' }>;
/** `counts`: it speaks against the server, for all agents. */
type Tried = { failure: CallFailure | null; counts: boolean } & ({ response: Response } | { error: unknown });

/** `fetch` of one attempt: let out or refused by the host, tried again where that does no harm. */
export function createFetch(needs: FetchNeeds): Context['fetch'] {
  const { time, secrets, ask } = needs;
  const gateway = needs.models === undefined ? undefined : originOf(needs.models);

  const askHost = <T>(call: BareCall) => hostAnswer<T>(time, ask(call));

  async function admitted(order: FetchOrder, origin: string, tried: number): Promise<Leave | undefined> {
    const alone = carriesSecret(order, secrets);
    const limit = order.timeoutMs === undefined ? {} : { timeoutMs: order.timeoutMs };
    const answer = await askHost<Admission>({
      ask: 'admit',
      origin,
      alone,
      ...limit,
      ...(tried > 1 && { again: true }),
    });
    if (answer?.is === 'down') throw new Fault(originDown(answer.down));
    return answer;
  }

  /** Reports the end of a call to the host. Only for a failure it matters what it says to that. */
  async function reportEnd(leave: Leave | undefined, meant: string, end: CallEnd): Promise<OriginDown | null> {
    if (!leave) return null;
    const call: BareCall = { ask: 'fetched', meant, origin: leave.origin, pass: leave.pass, end };
    if (end.is === 'bad') return (await askHost<OriginDown | null>(call)) ?? null;
    ask(call).catch(() => {});
    return null;
  }

  async function once(order: FetchOrder, leave: Leave | undefined, { stop, asked }: Asked): Promise<Tried> {
    const timeoutMs = order.timeoutMs ?? leave?.timeoutMs ?? TIMEOUT_MS;
    const facts = { url: order.url, secrets, timeoutMs, asked };
    const ending = new AbortController();
    const disarm = time.after(timeoutMs, () => ending.abort());
    const isElsewhere = leave !== undefined && leave.origin !== order.origin;
    const { input, init } = isElsewhere
      ? forOrigin(order, leave.origin, { credentials: leave.credentials, secrets })
      : order;
    try {
      const answer = await globalThis.fetch(input, { ...init, signal: AbortSignal.any([...stop, ending.signal]) });
      disarm();
      needs.progress();
      const failure = failureOf(answer, leave?.origin ?? order.origin ?? '', time.now());
      const watch = {
        arm: (silent: () => void) => time.after(timeoutMs, silent),
        progress: needs.progress,
        giveUp() {
          ending.abort();
          return fetchTimeout('body', facts);
        },
      };
      return { response: order.origin === null ? answer : withIdleLimit(answer, watch), failure, counts: true };
    } catch (error) {
      disarm();
      // An end of the job, or of the plugin's own patience, says nothing about the server.
      if (stop.some(({ aborted }) => aborted)) return { error, failure: null, counts: false };
      if (ending.signal.aborted) {
        const counts = timeoutMs >= (leave?.failsAfterMs ?? 0);
        return { error: fetchTimeout('headers', facts), failure: noAnswer(timeoutMs), counts };
      }
      const failure = connectionFailure(error);
      if (failure) needs.progress();
      return { error, failure, counts: true };
    }
  }

  async function guarded(order: FetchOrder, meant: string, call: Asked): Promise<Response> {
    const { stop } = call;
    for (let tried = 1; ; tried++) {
      const leave = await admitted(order, meant, tried);
      for (const signal of stop) signal.throwIfAborted();
      const begun = time.monotonic();
      const result = await once(order, leave, call);
      const { failure, counts } = result;
      const ms = Math.round(time.monotonic() - begun);
      if (!failure) {
        void reportEnd(leave, meant, { is: 'error' in result ? 'gone' : 'good', ms });
        return outcomeOf(result);
      }
      const down = await reportEnd(leave, meant, counts ? { is: 'bad', ms, failure } : { is: 'gone', ms });
      const pause = pauseBefore(order, leave, { tried, failure, down });
      if (pause === null && !down) return outcomeOf(result);
      // A reader that waits for the rest of the answer would wait with the connection.
      if ('response' in result) void result.response.body?.cancel().catch(() => {});
      if (pause === null) throw closedBy(down!, result);
      if (pause > 0) await time.sleep(pause, AbortSignal.any(stop));
    }
  }

  /** null: there is no other try. */
  function pauseBefore(
    order: FetchOrder,
    leave: Leave | undefined,
    { tried, failure, down }: { tried: number; failure: CallFailure; down: OriginDown | null },
  ): number | null {
    const attempts = order.attempts ?? leave?.attempts ?? 1;
    if (!order.isRepeatable || attempts === 1) return null;
    // The next in the chain is asked at once; without one the host says so.
    if (down) return tried < attempts + MOST_OTHERS ? 0 : null;
    const asked = failure.retryAfterMs ?? 0;
    if (tried >= attempts || asked > LONGEST_OBEYED_MS) return null;
    return Math.max(asked, pauseAfter(tried, PAUSE, time.random()));
  }

  return async (input, options) => {
    needs.checkUrl(input);
    const order = orderOf(input, options);
    const own = order.init.signal ?? (input instanceof Request ? input.signal : undefined);
    const stop = [needs.signal(), ...(own ? [own] : [])];
    needs.progress();
    const call = { stop, asked: new Error() };
    if (order.origin !== null && order.origin !== gateway) return guarded(order, order.origin, call);
    // A model may think for as long as the job may take; the gateway has limits of its own.
    const asked = order.origin === null ? order : { ...order, timeoutMs: order.timeoutMs ?? BOUNDS.timer.most };
    return outcomeOf(await once(asked, undefined, call));
  };
}

/** The fault of the call after which the server counts as down: `asked` says that this call was out itself, and may have done its work. */
function closedBy(down: OriginDown, result: Tried): Fault {
  const plain = originDown(down);
  const fault = { ...plain, data: { ...plain.data, asked: true } };
  return new Fault(fault, 'error' in result ? { cause: result.error } : {});
}

function outcomeOf(result: Tried): Response {
  if ('response' in result) return result.response;
  throw result.error;
}

/** A try whose time was over. */
function noAnswer(timeoutMs: number): CallFailure {
  return { what: `no answer within ${formatDuration(timeoutMs)}` };
}
