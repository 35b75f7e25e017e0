import { createHmac, timingSafeEqual } from 'node:crypto';
import { isLoopback } from '../kernel/origin.ts';

/** The headers that say where a request comes from; undefined: the header is missing. */
export interface RequestSource {
  host: string | undefined;
  origin: string | undefined;
  /** `Sec-Fetch-Site`. */
  site: string | undefined;
}

/** The names under which a browser may ask for the page. */
export interface PageAddress {
  /** `host:port`, lower case; without the port where it is that of the scheme. */
  hosts: ReadonlySet<string>;
  origins: ReadonlySet<string>;
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** The names of a page that listens on `host` and `port`. `origin`: of the server with TLS in front. */
export function pageAddress({
  host,
  port,
  origin,
}: {
  host: string;
  port: number;
  origin: string | null;
}): PageAddress {
  const names = isLoopback(host) ? LOOPBACK : [...LOOPBACK, host.includes(':') ? `[${host}]` : host.toLowerCase()];
  const urls = names.map((name) => new URL(`http://${name}:${port}`));
  if (origin !== null) urls.push(new URL(origin));
  return { hosts: new Set(urls.map((url) => url.host)), origins: new Set(urls.map((url) => url.origin)) };
}

/** Whether a request names the page by one of its own names: a foreign name that leads to this machine (DNS rebinding) is none. */
export function isOwnHost({ host }: RequestSource, address: PageAddress): boolean {
  return host !== undefined && address.hosts.has(host.toLowerCase());
}

/**
 * Whether a request that changes something comes from the page itself. Under `no-referrer` a browser says `Origin: null` for the page's own
 * forms, and `Sec-Fetch-Site` tells them from others. A request with neither header comes from no browser, and the token of its form decides.
 */
export function isOwnOrigin({ origin, site }: RequestSource, address: PageAddress): boolean {
  if (site !== undefined && site !== 'same-origin') return false;
  if (origin === undefined || (origin === 'null' && site === 'same-origin')) return true;
  return address.origins.has(origin.toLowerCase());
}

/**
 * The token that each form of a session carries. The token is computed from the cookie, which no other page can read.
 */
export function csrfOf(cookie: string): string {
  return createHmac('sha256', cookie).update('csrf').digest('base64url');
}

/**
 * Whether a form carries the token of its session. The check of a wrong token takes as long as that of a right token.
 */
export function isCsrfOf(said: unknown, cookie: string): boolean {
  const right = Buffer.from(csrfOf(cookie));
  const given = Buffer.from(typeof said === 'string' ? said : '');
  return given.length === right.length && timingSafeEqual(given, right);
}

/** A path of this page to go back to; anything else, such as `//elsewhere`, is `/`. */
export function safeBack(said: unknown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers leave them out, which would make another address of it
  return typeof said === 'string' && said.length <= 2_000 && /^\/(?![/\\])[^\\\u0000-\u0020]*$/.test(said) ? said : '/';
}

/** The value of a cookie in a `Cookie` header. */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}
