import type { Op, Ops } from '../control/protocol.ts';
import type { FromWeb, TakenDelivery } from '../control/web-channel.ts';
import type { ReadOp } from './page.ts';

/**
 * A route without HTML, for machines: health, metrics, pings. A route needs no session, so its answer holds nothing
 * that belongs to a person.
 */
export interface Route {
  method: 'GET' | 'POST';
  /** A pattern of hono's router: `/ping/:name`. */
  path: string;
  answer(call: RouteCall): Promise<RouteAnswer>;
}

/** A delivery as the host gets it. */
type HandedOnDelivery = Extract<FromWeb, { say: 'delivery' }>;

/** A request for a {@link Route}. */
export interface RouteCall {
  /** Parts of the path, decoded. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** The request itself: headers, and the body, which nobody has read yet. */
  request: Request;
  /** The token of `Authorization: Bearer …`. */
  bearer: string | undefined;
  /** Anybody may be asking: a server with TLS stands in front, and the settings do not say that metrics are public. */
  isPublic: boolean;
  /**
   * Asks the host itself, with the rights of a reader, for any operation but streams; rejects with `HOST_SILENT` when it does not answer
   * within that many ms. Default: 5 s.
   */
  askHost<O extends Op>(op: O, args: Ops[O]['args'], withinMs?: number): Promise<Ops[O]['value']>;
  /** Answers from the host, or from the store while the host does not answer. */
  ask<O extends ReadOp>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']>;
  /** Hands on a sign of life of a program outside; rejects with `PING_TOKEN_WRONG`, `PING_INVALID` or `PINGS_FULL`. */
  ping(name: string, token: string, withinMs: number | null): Promise<object>;
  /** Hands on a delivery; rejects with the fault for which the host refuses it, or with `HOST_SILENT` after `withinMs`. */
  deliver(delivery: Omit<HandedOnDelivery, 'say' | 'id'>, withinMs: number): Promise<TakenDelivery>;
  /** Epoch ms. */
  now(): number;
  /** The time since the host's last message, in ms; the host sends one each 2 s. */
  hostSilentMs(): number;
}

/** The answer of a {@link Route}; a text is sent as it is, any other body as JSON. */
export interface RouteAnswer {
  status: number;
  /** Default: `text/plain; charset=utf-8` for a text, else `application/json`. */
  type?: string;
  body: string | object;
  headers?: Readonly<Record<string, string>>;
}
