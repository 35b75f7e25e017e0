import { type IncomingHttpHeaders, request } from 'node:http';
import { expect } from 'vitest';
import { csrfOf } from '../../src/web/guard.ts';
import type { Installation } from '../e2e/installation.ts';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

interface Asked {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
}

/** A browser of a person: it keeps its cookie, and sends forms as pages do. */
export interface Browser {
  cookie: string;
  csrf: string;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Sends a form of the page; `headers` in place of its own. */
  send(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
}

/** Asks a page as it is told to; a header that Node would refuse is sent all the same. */
export function ask(url: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
  const { hostname, port } = new URL(url);
  // The path goes out as it is written: no client puts it in order.
  const path = url.slice(new URL(url).origin.length) || '/';
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path, method, headers, agent: false, setHost: headers.host === undefined },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => (text += part));
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The address of the page of an installation, as soon as it listens. */
export async function pageOf(place: Installation): Promise<{ url: string; pid: number }> {
  const { json } = await place.until(
    () => place.daruma('status', '--json'),
    ({ json }) => json.web !== null,
  );
  return json.web;
}

/** Signs in with a link of `daruma open`. */
export async function signIn(place: Installation, ...options: string[]): Promise<Browser> {
  const { json } = await place.daruma('open', '--json', ...options);
  const answer = await ask(json.url);
  expect(answer).toMatchObject({ status: 303, headers: { location: '/' } });
  return browser(new URL(json.url).origin, answer.headers['set-cookie']![0]!.split(';')[0]!);
}

function browser(origin: string, cookie: string): Browser {
  const get = (path: string, headers: Record<string, string> = {}) =>
    ask(`${origin}${path}`, { headers: { cookie, ...headers } });
  const csrf = csrfOf(cookie.slice(cookie.indexOf('=') + 1));
  return {
    cookie,
    csrf,
    get,
    send: (path, fields, headers = {}) =>
      ask(`${origin}${path}`, {
        method: 'POST',
        headers: { cookie, origin, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ csrf, ...fields }).toString(),
      }),
  };
}
