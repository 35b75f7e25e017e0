import type { PlainFault } from '../kernel/fault.ts';
import type { FrameBounds } from '../kernel/frames.ts';
import { MB } from '../kernel/measures.ts';
import type { OperationRole } from '../operations/operation.ts';

/**
 * The channel between a host and its web process: frames of JSON on a pipe of their own. The web process has no token and no other way to the
 * host: it may ask what a reader may ask, and more only with the cookie of somebody who has signed in, which the host checks itself.
 */
export const WEB_CHANNEL_FD = 3;

/** Bounds of what the host takes from its web process. */
export const FROM_WEB: FrameBounds = { bytes: 8 * MB, depth: 64, values: 200_000 };
/** Bounds of what the web process takes from its host: its own code speaks there. */
export const TO_WEB: FrameBounds = { bytes: 64 * MB, depth: 1_000, values: 10_000_000 };

/** The headers of a delivery that the host gets to see; each of at most {@link LONGEST_HEADER} characters. */
export const DELIVERY_HEADERS = [
  'content-type',
  'authorization',
  'idempotency-key',
  'x-hub-signature-256',
  'x-github-delivery',
  'x-github-event',
  'stripe-signature',
  'x-slack-signature',
  'x-slack-request-timestamp',
  'x-slack-retry-num',
] as const;
export const LONGEST_HEADER = 1_000;

/** The headers of one delivery, by their names in lower case. */
export type DeliveryHeaders = { readonly [Name in (typeof DELIVERY_HEADERS)[number]]?: string };

/** The host's answer to a delivery whose sender is proven. */
export interface TakenDelivery {
  /** `queued`: its job is on disk · `repeated`: an earlier delivery with its id has made that job · `answered`: it asked for no job. */
  is: 'queued' | 'repeated' | 'answered';
  /** Null for `answered`. */
  job: string | null;
  state: string | null;
  /** The id of the delivery; null: it has none. */
  delivery: string | null;
  /** Why the job does not start yet; null: nothing is in its way. */
  note: string | null;
  /** The answer in place of these facts, as the sender's form wants it: a text as it is, anything else as JSON. */
  reply?: unknown;
}

/** Settings of a web process. */
export interface WebTerms {
  /** The version of Daruma. */
  version: string;
  /** The process id of the host. */
  parent: number;
  /** The installation, absolute. The others are relative to it, or absolute. */
  folder: string;
  store: string;
  logs: string;
  /** The zone of the installation. */
  zone: string;
  host: string;
  /** The ports to listen on: the first that is free. */
  ports: readonly number[];
  /** `https://daruma.example`, where a server with TLS stands in front; null: browsers run on this machine. */
  origin: string | null;
  /** Whether probes and metrics are shown in full behind that server, too. */
  publicMetrics: boolean;
  /** The name of the cookie: cookies do not tell ports apart, and two installations are two pages. */
  cookie: string;
}

/** A person who has signed in. The cookie is known by its hash only. */
export interface WebSession {
  /** SHA-256 of the cookie or the token, in hexadecimal digits. */
  hash: string;
  role: OperationRole;
  /** Epoch ms. */
  until: number;
}

/** An assistant that may ask over HTTP. The token is known by its hash only. */
export interface WebAssistant extends WebSession {
  name: string;
}

export type ToWeb =
  | { do: 'begin'; terms: WebTerms; sessions: WebSession[]; assistants: WebAssistant[] }
  /** Sent each 2 s; the process answers at once. */
  | { do: 'ping'; n: number }
  | { do: 'sessions'; sessions: WebSession[]; assistants: WebAssistant[] }
  | { do: 'answer'; id: number; value: unknown }
  | { do: 'item'; id: number; item: unknown }
  | { do: 'refuse'; id: number; fault: PlainFault };

export type FromWeb =
  | { say: 'listening'; port: number }
  /** The process cannot work, and another try would end the same way. */
  | { say: 'failed'; fault: PlainFault }
  | { say: 'pong'; n: number; clients: number }
  /**
   * An operation. `cookie`: of the browser that asks; null: with the rights of a reader. `token`: of an assistant, in place of a cookie.
   */
  | { say: 'ask'; id: number; op: string; args: unknown; cookie: string | null; token?: string }
  /** A link that `daruma open` printed was opened; answered with the cookie. */
  | { say: 'sign in'; id: number; code: string }
  | { say: 'sign out'; id: number; cookie: string }
  /** A sign of life of a program outside, with the token of pings; `withinMs`: how long it may be silent, null: as long as any. */
  | { say: 'outside ping'; id: number; name: string; token: string; withinMs: number | null }
  /** A delivery to `/hooks/<agent>`; its body as base64. The signature of the delivery is its right, which the host checks. */
  | { say: 'delivery'; id: number; agent: string; headers: DeliveryHeaders; body: string }
  /** The answer is not waited for any more; a stream ends. */
  | { say: 'leave'; id: number };
