import type { Context, Hono } from 'hono';
import { Fault, toPlainFault } from '../kernel/fault.ts';
import { entryFile } from '../kernel/paths.ts';
import { type AppNeeds, type Signed, shortAnswer, signedIn, signInPage } from './app.ts';
import { isCsrfOf, safeBack } from './guard.ts';
import type { Flash } from './page.ts';

const FORM = entryFile('web/form.js').href;
/** An input of a job is the longest field. */
const LONGEST_FORM = 2 * 1024 * 1024;
/** Whoever acts sees the outcome, or that it takes longer. */
const WITHIN_MS = 10_000;
/** The host takes a longer one for a process that speaks nonsense. */
const LONGEST_CODE = 100;
/** So many links may be tried within the time. */
const MOST_TRIES = 10;
const TRIES_WITHIN_MS = 60_000;

/** Adds the requests that change something: forms of operations at `/act/<operation>`, signing in and out. */
export function addActs(app: Hono, needs: AppNeeds): void {
  const { link, flashes, terms, time } = needs;
  let tries: number[] = [];

  app.post('/act/:op', async (c) => {
    const asked = await formOf(c, needs);
    if (asked instanceof Response) return asked;
    const { signed, fields } = asked;
    const said = flashes.keep(signed.session.hash, await carryOut(needs, signed, c.req.param('op'), fields));
    return c.redirect(withSaid(safeBack(fields.get('back')), said), 303);
  });

  app.post('/logout', async (c) => {
    const asked = await formOf(c, needs);
    if (asked instanceof Response) return asked;
    await link.signOut(asked.signed.cookie);
    c.header('set-cookie', cookieText(terms, '', 0));
    return c.redirect('/', 303);
  });

  app.get('/login', async (c) => {
    const code = c.req.query('code') ?? '';
    // A browser that loads ahead of a person must not use the link up.
    if (
      code === '' ||
      code.length > LONGEST_CODE ||
      c.req.header('sec-purpose') !== undefined ||
      c.req.method === 'HEAD'
    )
      return signInPage(c, needs);
    const now = time.monotonic();
    tries = tries.filter((at) => now - at < TRIES_WITHIN_MS);
    if (tries.length >= MOST_TRIES) return c.text('too many links were tried\n', 429, { 'retry-after': '60' });
    tries.push(now);
    try {
      const { cookie, until } = await link.signIn(code);
      c.header('set-cookie', cookieText(terms, cookie, Math.floor((until - time.now()) / 1_000)));
      c.header('cache-control', 'no-store');
      return c.redirect('/', 303);
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      return signInPage(c, needs, thrown.plain);
    }
  });
}

async function carryOut({ link }: AppNeeds, { cookie }: Signed, name: string, fields: URLSearchParams): Promise<Flash> {
  const { readForm } = (await import(FORM)) as typeof import('./form.ts');
  const read = readForm(name, fields);
  if (read.is === 'refused') return { is: 'failed', fault: read.fault };
  const { op, args } = read;
  try {
    await link.ask(op, args as never, { cookie, withinMs: WITHIN_MS });
    const whom = [args.agent, args.id, args.name].find((one) => typeof one === 'string');
    return { is: 'done', text: whom === undefined ? `${op}: done` : `${op} ${whom}: done` };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const { stack: _, ...fault } = toPlainFault(thrown);
    return { is: 'failed', fault };
  }
}

/** The form of somebody who has signed in, sent by the page itself; else the answer that refuses it. */
async function formOf(c: Context, needs: AppNeeds): Promise<{ signed: Signed; fields: URLSearchParams } | Response> {
  const signed = signedIn(c, needs);
  if (!signed) return signInPage(c, needs);
  if (!/^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? ''))
    return shortAnswer(c, 403, 'a form is sent as application/x-www-form-urlencoded');
  const text = await bodyOf(c);
  if (text === undefined) return shortAnswer(c, 413, `a form has at most ${LONGEST_FORM} bytes`);
  const fields = new URLSearchParams(text);
  if (!isCsrfOf(fields.get('csrf'), signed.cookie))
    return shortAnswer(c, 403, 'the form is not one of this page; load it again');
  return { signed, fields };
}

/** undefined: the body is too long. */
async function bodyOf(c: Context): Promise<string | undefined> {
  if (Number(c.req.header('content-length') ?? 0) > LONGEST_FORM) return undefined;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of c.req.raw.body ?? []) {
    length += part.byteLength;
    if (length > LONGEST_FORM) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function withSaid(back: string, id: string): string {
  const url = new URL(back, 'http://page.invalid');
  url.searchParams.set('said', id);
  return `${url.pathname}${url.search}${url.hash}`;
}

function cookieText({ cookie, isSecure }: AppNeeds['terms'], value: string, seconds: number): string {
  return `${cookie}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}
