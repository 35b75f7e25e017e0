import { type Context, Hono } from 'hono';
import { lineFilter } from '../control/log-files.ts';
import type { WebSession } from '../control/web-channel.ts';
import { Fault, type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { sha256 } from '../kernel/sha256.ts';
import type { Time } from '../kernel/time.ts';
import type { Assets } from './assets.ts';
import type { Flashes } from './flashes.ts';
import { cookieIn, csrfOf, isOwnHost, isOwnOrigin, type PageAddress, type RequestSource } from './guard.ts';
import type { HostLink } from './host-link.ts';
import { type Live, MOST_STREAMS } from './live.ts';
import { logQueryOf } from './log-query.ts';
import type { Html, Page, PageCall, PageKit } from './page.ts';
import type { Reader } from './reader.ts';
import { createRequestQueue } from './request-queue.ts';
import type { Route } from './route.ts';
import { acceptedAgeMs, createSharedAnswers, type SharedAnswers } from './shared.ts';

/** A request with the session of the person who has signed in. */
export interface Signed {
  cookie: string;
  session: WebSession;
}

export interface AppNeeds {
  time: Time;
  link: HostLink;
  reader: Reader;
  live: Live;
  flashes: Flashes;
  assets: Assets;
  kit: PageKit;
  routes: readonly Route[];
  /** Answers `/mcp`, with bounds of its own. */
  mcp(c: Context): Promise<Response>;
  address: PageAddress;
  /** The zone of the installation, the name of its cookie, whether TLS stands in front; `isPublic`: see {@link Route}. */
  terms: { zone: string; cookie: string; isSecure: boolean; isPublic: boolean };
  /** An error that is no `Fault`, for the log. */
  failed(error: unknown): void;
}

/**
 * Requests that are answered at the same time. All connections that the server holds may wait for their turn, for a bounded time; a request
 * beyond that gets 503 and is asked to come again.
 */
const TURNS = { atOnce: 16, waiting: 256, withinMs: 5_000 };
/** Documents that are kept for open pages, for a second. */
const MOST_DOCUMENTS = 16;

/** Everything that HTTP requests are answered with, without the server. */
export function createApp(needs: AppNeeds): Hono {
  const { address, assets, live } = needs;
  const app = new Hono();
  const requests = createRequestQueue(needs.time, TURNS);
  const documents = createSharedAnswers<string>(needs.time, MOST_DOCUMENTS);

  app.use(async (c, next) => {
    await next();
    for (const [name, value] of SECURITY_HEADERS) c.res.headers.set(name, value);
  });
  app.use(async (c, next) => {
    const source = sourceOf(c);
    if (!isOwnHost(source, address))
      return shortAnswer(c, 421, 'the page has another name; see web.origin in docs/page.md');
    if (!['GET', 'HEAD', 'POST'].includes(c.req.method)) return shortAnswer(c, 405, 'only GET, HEAD and POST');
    if (c.req.method === 'POST' && !isOwnOrigin(source, address))
      return shortAnswer(c, 403, 'the form was sent by another page');
    return next();
  });
  for (const route of needs.routes) addRoute(app, route, needs);
  app.all('/mcp', needs.mcp);
  // Routes for machines stand before the bound on pages: probes are answered however many people look.
  app.use(async (c, next) => {
    const leave = await requests.enter();
    if (!leave) return c.text('too many requests at once\n', 503, { 'retry-after': '1' });
    try {
      return await next();
    } finally {
      leave();
    }
  });
  app.get('/assets/:name', (c) => {
    const file = assets.find(c.req.param('name'));
    if (!file) return shortAnswer(c, 404, 'there is no such file');
    return c.body(file.body, 200, {
      'content-type': file.type,
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });
  app.get('/live', (c) => {
    if (!signedIn(c, needs)) return shortAnswer(c, 401, 'sign in: daruma open');
    try {
      const query = new URL(c.req.url).searchParams;
      const isWanted = query.has('follow') ? lineFilter(logQueryOf(query)) : undefined;
      return c.body(live.open(isWanted), 200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    } catch (error) {
      return shortAnswer(c, 503, toPlainFault(error).message);
    }
  });
  for (const page of needs.kit.pages) app.get(page.path, (c) => servePage(c, page, needs, documents));
  app.notFound((c) => {
    const signed = signedIn(c, needs);
    if (!signed) return signInPage(c, needs);
    return failedPage(c, needs, signed, {
      code: 'PAGE_UNKNOWN',
      message: 'there is no such page',
      next: 'go to the overview',
    });
  });
  app.onError((error, c) => {
    if (!(error instanceof Fault)) needs.failed(error);
    return shortAnswer(c, 500, 'the page failed; daruma logs says why');
  });
  return app;
}

function addRoute(app: Hono, { method, path, answer }: Route, { time, reader, link, terms }: AppNeeds): void {
  app.on([method], [path], async (c) => {
    const { status, type, body, headers } = await answer({
      params: c.req.param(),
      query: new URL(c.req.url).searchParams,
      isPublic: terms.isPublic,
      bearer: /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1],
      askHost: (op, args, withinMs = 5_000) => link.ask(op, args, { cookie: null, withinMs }),
      ask: (op, args) => reader.ask(op, args, null),
      request: c.req.raw,
      ping: link.ping,
      deliver: link.deliver,
      now: () => time.now(),
      hostSilentMs: () => link.silentMs(),
    });
    const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
    const standard = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
    const own = { 'content-type': type ?? standard, 'cache-control': 'no-store' };
    return new Response(text, { status, headers: { ...own, ...headers } });
  });
}

async function servePage(c: Context, page: Page, needs: AppNeeds, documents: SharedAnswers<string>): Promise<Response> {
  const signed = signedIn(c, needs);
  if (!signed) return signInPage(c, needs);
  if (page.role === 'operator' && signed.session.role !== 'operator')
    return failedPage(c, needs, signed, {
      code: 'ROLE_LACKING',
      message: 'this page is for operators, and you have signed in as a reader',
      next: 'daruma open',
    });
  const { reader } = needs;
  const { pathname, search, searchParams } = new URL(c.req.url);
  const maxAgeMs = acceptedAgeMs(c.req.header('cache-control'));
  const call = {
    ...callOf(c, needs, signed),
    ask: ((op, args) => reader.ask(op, args, signed.cookie, maxAgeMs)) as PageCall['ask'],
    params: c.req.param() as Record<string, string>,
    query: searchParams,
  };
  // A document carries the token of its session, and is of this session alone.
  const key = JSON.stringify([reader.changes(), reader.down() !== undefined, signed.session.hash, pathname, search]);
  try {
    return html(c, 200, await documents.of(key, maxAgeMs, async () => (await page.render(call)).toString()));
  } catch (error) {
    if (!(error instanceof Fault)) needs.failed(error);
    const { stack: _, ...fault } = toPlainFault(error);
    const shown =
      error instanceof Fault ? fault : { code: 'PAGE_FAILED', message: 'the page failed', next: 'daruma logs' };
    return failedPage(c, needs, signed, shown);
  }
}

/** The parts of a call that every document is made of. */
function callOf(c: Context, needs: AppNeeds, { session, cookie }: Signed) {
  const down = needs.reader.down();
  const flash = needs.flashes.find(session.hash, new URL(c.req.url).searchParams.get('said'));
  return {
    path: c.req.path,
    clock: { now: needs.time.now(), zone: needs.terms.zone },
    viewer: { role: session.role, csrf: csrfOf(cookie) },
    streams: { open: needs.live.count(), most: MOST_STREAMS },
    asset: needs.assets.addressOf,
    ...(down ? { down } : {}),
    ...(flash ? { flash } : {}),
  };
}

/** The session that a request's cookie names; undefined when its sender has not signed in. */
export function signedIn(c: Context, { link, terms }: Pick<AppNeeds, 'link' | 'terms'>): Signed | undefined {
  const cookie = cookieIn(c.req.header('cookie'), terms.cookie);
  if (cookie === undefined || cookie.length > 200) return undefined;
  const session = link.session(sha256(cookie));
  return session && { cookie, session };
}

/** The document for people who have not signed in. */
export function signInPage(c: Context, { kit, assets }: AppNeeds, fault?: PlainFault): Promise<Response> {
  return html(c, fault ? 403 : 401, kit.signIn({ asset: assets.addressOf, ...(fault ? { fault } : {}) }));
}

function failedPage(c: Context, needs: AppNeeds, signed: Signed, fault: PlainFault): Promise<Response> {
  const status = /_UNKNOWN$/.test(fault.code) ? 404 : fault.code === 'ROLE_LACKING' ? 403 : 503;
  return html(c, status, needs.kit.failed(callOf(c, needs, signed), fault));
}

async function html(c: Context, status: 200 | 401 | 403 | 404 | 503, document: Html | string): Promise<Response> {
  return c.html(`<!doctype html>${await document.toString()}`, status, { 'cache-control': 'no-store' });
}

/** A short answer, as text, for requests that no browser of a person sends. */
export function shortAnswer(
  c: Context,
  status: 401 | 403 | 404 | 405 | 413 | 421 | 429 | 500 | 503,
  text: string,
): Response {
  return c.text(`${text}\n`, status, { 'cache-control': 'no-store' });
}

function sourceOf(c: Context): RequestSource {
  return { host: c.req.header('host'), origin: c.req.header('origin'), site: c.req.header('sec-fetch-site') };
}

/** Headers of every answer: nothing from elsewhere is loaded, nothing inline runs, and no other page shows or reads this page. */
const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  [
    'content-security-policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  ],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
  ['x-robots-tag', 'noindex, nofollow'],
];
