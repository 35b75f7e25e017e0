import type { Hono } from 'hono';
import { Fault } from '../kernel/fault.ts';
import { formOf } from './acts.ts';
import { type AppNeeds, signInPage } from './app.ts';

/** Characters of a code: the host ends a web process that hands on a longer one. */
const LONGEST_CODE = 100;
/** Links that may be tried within {@link TRIES_WITHIN_MS}. */
const MOST_TRIES = 20;
const TRIES_WITHIN_MS = 10_000;

/** Adds `/login?code=…`, which `daruma open` prints, and `/logout`. */
export function addSigning(app: Hono, needs: AppNeeds): void {
  const { link, terms, time } = needs;
  let tries: number[] = [];

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

function cookieText({ cookie, isSecure }: AppNeeds['terms'], value: string, seconds: number): string {
  return `${cookie}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}
