import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { type CallFailure, originOf } from '../../kernel/origin.ts';
import { readCount } from '../../kernel/units.ts';
import type { FetchOptions } from '../../plugin/context.ts';
import { lengthOf, valueRead } from './options.ts';

/** A request that a plugin gives to `fetch`, read once. */
export interface FetchOrder {
  url: string;
  /** null for URLs that do not go out by HTTP (`data:`, `blob:`): they are fetched without an order. */
  origin: string | null;
  input: string | URL | Request;
  init: RequestInit;
  /** A second try does no harm. */
  isRepeatable: boolean;
  attempts?: number;
  timeoutMs?: number;
}

const HARMLESS = new Set(['GET', 'HEAD', 'OPTIONS']);
const IDEMPOTENT = new Set(['PUT', 'DELETE']);
/** Not the server's doing: this machine or the caller is at fault. */
const OWN_FAULTS = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'ERR_ACCESS_DENIED']);
const OWN_FAULT = /^(ERR_INVALID_|UND_ERR_(INVALID|ABORTED|NOT_SUPPORTED|REQ_|DESTROYED|CLOSED))/;
/** Headers that say who asks. */
const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie'];

/** Throws `CALL_INVALID` for options that cannot be meant. */
export function orderOf(input: string | URL | Request, options: FetchOptions = {}): FetchOrder {
  const { attempts, timeout, ...init } = options;
  const request = input instanceof Request ? input : undefined;
  const url = request?.url ?? String(input);
  const order: FetchOrder = { url, origin: originOf(url), input, init, isRepeatable: isRepeatable(request, init) };
  if (attempts !== undefined)
    order.attempts = valueRead(readCount(attempts, BOUNDS.calls), 'fetch: attempts', attempts);
  if (timeout !== undefined) order.timeoutMs = lengthOf(timeout, BOUNDS.timer, 'fetch: timeout');
  return order;
}

function isRepeatable(request: Request | undefined, init: RequestInit): boolean {
  const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
  if (HARMLESS.has(method)) return true;
  return IDEMPOTENT.has(method) && (init.body === undefined ? !request?.body : isWhole(init.body));
}

/** The body can be read for each try; a stream can be read once. */
function isWhole(body: unknown): boolean {
  if (body === null || typeof body === 'string') return true;
  const kinds = [URLSearchParams, FormData, Blob, ArrayBuffer];
  return ArrayBuffer.isView(body) || kinds.some((kind) => body instanceof kind);
}

/** Whether the URL or the body holds one of the secrets: no other origin may have it, and it cannot be taken out. */
export function carriesSecret({ url, init }: FetchOrder, secrets: Readonly<Record<string, string>>): boolean {
  const body = typeof init.body === 'string' || init.body instanceof URLSearchParams ? String(init.body) : '';
  return holdsSecret(`${url}\n${body}`, secrets);
}

function holdsSecret(text: string, secrets: Readonly<Record<string, string>>): boolean {
  return Object.values(secrets).some(
    (value) => value !== '' && (text.includes(value) || text.includes(encodeURIComponent(value))),
  );
}

/** The same for another origin: path and query stay, what says who asks goes, unless it may come along. */
export function forOrigin(
  order: FetchOrder,
  origin: string,
  { credentials, secrets }: { credentials: boolean; secrets: Readonly<Record<string, string>> },
): Pick<FetchOrder, 'input' | 'init'> {
  const { input, init } = order;
  const { pathname, search } = new URL(order.url);
  const url = new URL(`${origin}${pathname}${search}`);
  const request = input instanceof Request ? input : undefined;
  const headers = new Headers(init.headers ?? request?.headers);
  if (!credentials) {
    for (const name of CREDENTIALS) headers.delete(name);
    for (const [name, value] of [...headers]) if (holdsSecret(value, secrets)) headers.delete(name);
  }
  return { input: request ? new Request(url, request) : url, init: { ...init, headers } };
}

/** The failure of the server that an answer shows; null for an answer that is no failure of the server. */
export function failureOf(response: Response, origin: string, now: number): CallFailure | null {
  const { status, statusText } = response;
  if (status < 500 && status !== 429) return null;
  // The server redirected the call, and another server failed.
  if (response.redirected && originOf(response.url) !== origin) return null;
  const asked = retryAfter(response.headers.get('retry-after'), now);
  return { what: `${status} ${statusText}`.trim(), status, ...(asked === null ? {} : { retryAfterMs: asked }) };
}

/** Seconds, or a date; null when nothing of sense is said. */
export function retryAfter(said: string | null, now: number): number | null {
  if (said === null) return null;
  const text = said.trim();
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/**
 * The failure of the server behind a `fetch` that threw; null when the server was never asked, or had no time to
 * answer.
 */
export function connectionFailure(error: unknown): CallFailure | null {
  if (!(error instanceof TypeError) || !(error.cause instanceof Error) || error.cause instanceof Fault) return null;
  const { code, message } = error.cause as NodeJS.ErrnoException;
  if (typeof code !== 'string' || OWN_FAULTS.has(code) || OWN_FAULT.test(code)) return null;
  return { what: message || code };
}
