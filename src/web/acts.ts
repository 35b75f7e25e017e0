import type { Context, Hono } from 'hono';
import { Fault, toPlainFault } from '../kernel/fault.ts';
import { entryFile } from '../kernel/paths.ts';
import { type AppNeeds, type Signed, shortAnswer, signedIn, signInPage } from './app.ts';
import { readBody } from './body.ts';
import { isCsrfOf, safeBack } from './guard.ts';
import type { Flash } from './page.ts';

const FORM = entryFile('web/form.js').href;
/** An input of a job is the longest field. */
const LONGEST_FORM = 2 * 1024 * 1024;
/** The page after a form shows the outcome, or, after this time in ms, that the act takes longer. */
const WITHIN_MS = 10_000;

/** Adds the forms of operations: `/act/<operation>`. */
export function addActs(app: Hono, needs: AppNeeds): void {
  const { flashes } = needs;

  app.post('/act/:op', async (c) => {
    const asked = await formOf(c, needs);
    if (asked instanceof Response) return asked;
    const { signed, fields } = asked;
    const { to, ...flash } = await carryOut(needs, signed, c.req.param('op'), fields);
    const said = flashes.keep(signed.session.hash, flash);
    return c.redirect(withSaid(to ?? safeBack(fields.get('back')), said), 303);
  });
}

/** Does what a form asks for. `to`: the page that the act made. */
async function carryOut(
  { link, reader, time, terms }: AppNeeds,
  { cookie }: Signed,
  name: string,
  fields: URLSearchParams,
): Promise<Flash & { to?: string }> {
  const { readForm, outcomeOf } = (await import(FORM)) as typeof import('./form.ts');
  const read = readForm(name, fields);
  if (read.is === 'refused') return { is: 'failed', fault: read.fault };
  const { op, args } = read;
  try {
    const value = await link.ask(op, args as never, { cookie, withinMs: WITHIN_MS });
    return { is: 'done', ...outcomeOf(op, value, args, { now: time.now(), zone: terms.zone }) };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const { stack: _, ...fault } = toPlainFault(thrown);
    return { is: 'failed', fault };
  } finally {
    // The page after the act shows what came of it, and so do all pages that are asked for from now on.
    reader.forget();
  }
}

/** The form of somebody who has signed in, sent by the page itself; else the answer that refuses it. */
export async function formOf(
  c: Context,
  needs: AppNeeds,
): Promise<{ signed: Signed; fields: URLSearchParams } | Response> {
  const signed = signedIn(c, needs);
  if (!signed) return signInPage(c, needs);
  if (!/^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? ''))
    return shortAnswer(c, 403, 'a form is sent as application/x-www-form-urlencoded');
  const body = await readBody(c.req.raw, LONGEST_FORM);
  if (!body) return shortAnswer(c, 413, `a form has at most ${LONGEST_FORM} bytes`);
  const fields = new URLSearchParams(body.toString('utf8'));
  if (!isCsrfOf(fields.get('csrf'), signed.cookie))
    return shortAnswer(c, 403, 'the form is not one of this page; load it again');
  return { signed, fields };
}

function withSaid(back: string, id: string): string {
  const url = new URL(back, 'http://page.invalid');
  url.searchParams.set('said', id);
  return `${url.pathname}${url.search}${url.hash}`;
}
