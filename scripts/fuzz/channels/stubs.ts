import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { delay } from '../delay.ts';
import type { Counterpart } from './list.ts';

/** A request takes so long at most, before and after it is done: time in which its sender can be killed. */
const LONGEST_MS = 40;

interface Asked {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}
type Reply = { status?: number; body: unknown };
/** What a stub remembers, as its network would. */
type Book = { texts: string[]; repeats: number };
type Stub = Pick<Counterpart, 'settings' | 'secrets'> & { answer(asked: Asked): Reply };

/** Tells of each request that a stub has read: somebody waits for its answer, and can be killed now. */
export const requests = new EventEmitter();

/** Networks that cannot be had here. Each answers as it documents, and forgets nothing. */
const STUBS: Record<string, (url: string, book: Book) => Stub> = {
  generic: (url, book) => ({
    settings: { url: `${url}/hook` },
    answer: keyed(book, ({ headers, body }) => [String(headers['idempotency-key']), String(body.text)]),
  }),
  slack: (url, book) => ({
    settings: { kind: 'slack', url },
    secrets: { SLACK_WEBHOOK_URL: `${url}/services/T0/B0/xxxxxxxx` },
    answer: ({ body }) => ({ body: added(book, String(body.text), 'ok') }),
  }),
  discord: (url, book) => ({
    settings: { kind: 'discord', url },
    secrets: { DISCORD_WEBHOOK_URL: `${url}/api/webhooks/1/tttttttt` },
    answer: ({ body }) => ({ body: added(book, String(body.content), { id: `${book.texts.length}` }) }),
  }),
  telegram: (url, book) => ({
    settings: { kind: 'telegram', url, chat: '-100' },
    secrets: { TELEGRAM_TOKEN: '12345:abcdefgh' },
    answer: ({ body }) => ({
      body: added(book, String(body.text), { ok: true, result: { message_id: book.texts.length } }),
    }),
  }),
  ntfy: ntfy,
  'post-mastodon': mastodon,
  'post-bluesky': bluesky,
  'post-x': x,
  'post-devto': devto,
};

/** A stub of the network, for the agent of that name. */
export async function openStub(agent: string): Promise<Counterpart> {
  const book: Book = { texts: [], repeats: 0 };
  const server = createServer(async (request, response) => {
    const text = await wholeOf(request);
    // Its sender was killed in the middle of it.
    if (text === null) return;
    requests.emit('request');
    await delay(Math.random() * LONGEST_MS);
    const url = new URL(request.url!, 'http://stub');
    const reply = stub.answer({
      method: request.method!,
      url,
      headers: request.headers,
      body: text ? JSON.parse(text) : {},
    });
    await delay(Math.random() * LONGEST_MS);
    const body = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stub = STUBS[agent]!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, book);
  return {
    is: 'stub',
    ...(stub.settings && { settings: stub.settings }),
    ...(stub.secrets && { secrets: stub.secrets }),
    texts: () => book.texts,
    repeats: () => book.repeats,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The text of a stream; null when it breaks off. */
export async function wholeOf(stream: Readable): Promise<string | null> {
  let text = '';
  try {
    for await (const part of stream.setEncoding('utf8')) text += part;
    return text;
  } catch {
    return null;
  }
}

function added<T>(book: Book, text: string, answer: T): T {
  book.texts.push(text);
  return answer;
}

/** Does for a key what it did for it before: nothing more. */
function keyed(book: Book, read: (asked: Asked) => [key: string, text: string]): Stub['answer'] {
  const known = new Map<string, string>();
  return (asked) => {
    const [key, text] = read(asked);
    if (known.has(key)) book.repeats += 1;
    else book.texts.push(text);
    known.set(key, text);
    return { body: { id: key } };
  };
}

function ntfy(url: string, book: Book): Stub {
  const held: object[] = [];
  return {
    settings: { kind: 'ntfy', url: `${url}/alarms`, settle: '500ms' },
    answer({ method, body }) {
      if (method === 'GET') return { body: held.map((one) => `${JSON.stringify(one)}\n`).join('') };
      book.texts.push(String(body.message));
      const kept = { id: `m${held.length}`, time: Math.floor(Date.now() / 1_000), event: 'message', ...body };
      held.push(kept);
      return { body: kept };
    },
  };
}

/** As builds of September 2026: a repeated key is known, and answered with 500. */
function mastodon(url: string, book: Book): Stub {
  const keys = new Set<string>();
  const kept: { id: string; created_at: string; content: string }[] = [];
  return {
    settings: { server: url, settle: '500ms' },
    secrets: { MASTODON_TOKEN: 'mmmmmmmm' },
    answer({ method, url: { pathname, searchParams }, headers, body }) {
      if (pathname.endsWith('/verify_credentials')) return { body: { id: '1' } };
      if (method === 'GET') {
        const before = Number(searchParams.get('max_id') ?? kept.length);
        return { body: kept.slice(Math.max(0, before - 40), before).reverse() };
      }
      const key = String(headers['idempotency-key']);
      if (keys.has(key)) {
        book.repeats += 1;
        return { status: 500, body: { error: 'undefined method account for nil' } };
      }
      keys.add(key);
      const text = String(body.status);
      kept.push({ id: `${kept.length}`, created_at: new Date().toISOString(), content: `<p>${text}</p>` });
      return { body: added(book, text, kept.at(-1)) };
    },
  };
}

function bluesky(url: string, book: Book): Stub {
  const put = keyed(book, ({ body }) => [String(body.rkey), (body.record as { text: string }).text]);
  return {
    settings: { server: url, handle: 'fuzz.test' },
    secrets: { BLUESKY_APP_PASSWORD: 'bbbbbbbb' },
    answer(asked) {
      if (asked.url.pathname.endsWith('createSession')) return { body: { did: 'did:plc:fuzz', accessJwt: 'jjjjjjjj' } };
      put(asked);
      return { body: { uri: `at://did:plc:fuzz/app.bsky.feed.post/${asked.body.rkey}`, cid: 'bafy' } };
    },
  };
}

function x(url: string, book: Book): Stub {
  const kept: { id: string; text: string; created_at: string }[] = [];
  return {
    settings: { server: url, settle: '500ms' },
    secrets: {
      X_API_KEY: 'x1x1x1x1',
      X_API_SECRET: 'x2x2x2x2',
      X_ACCESS_TOKEN: 'x3x3x3x3',
      X_ACCESS_SECRET: 'x4x4x4x4',
    },
    answer({ method, url: { pathname, searchParams }, body }) {
      if (pathname === '/2/users/me') return { body: { data: { id: '1' } } };
      if (method === 'GET') {
        const end = Number(searchParams.get('pagination_token') ?? kept.length);
        const from = Math.max(0, end - Number(searchParams.get('max_results')));
        return { body: { data: kept.slice(from, end).reverse(), meta: from > 0 ? { next_token: `${from}` } : {} } };
      }
      const text = String(body.text);
      if (book.texts.includes(text)) {
        book.repeats += 1;
        return { status: 403, body: { detail: 'You are not allowed to create a Tweet with duplicate content.' } };
      }
      kept.push({ id: `${kept.length}`, text, created_at: new Date().toISOString() });
      return { status: 201, body: { data: added(book, text, kept.at(-1)) } };
    },
  };
}

function devto(url: string, book: Book): Stub {
  const kept: { id: number; body_markdown: string }[] = [];
  return {
    settings: { server: url, settle: '500ms' },
    secrets: { DEVTO_API_KEY: 'dddddddd' },
    answer({ method, body, url: { searchParams } }) {
      if (method === 'GET') {
        const end = kept.length - (Number(searchParams.get('page') ?? 1) - 1) * 100;
        return { body: kept.slice(Math.max(0, end - 100), Math.max(0, end)).reverse() };
      }
      const text = (body.article as { body_markdown: string }).body_markdown;
      kept.push({ id: kept.length, body_markdown: text });
      return { status: 201, body: added(book, text, kept.at(-1)) };
    },
  };
}
