import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { WorkerCall } from '../../src/workers/ports.ts';
import { createWorld, runs, type World } from './world.ts';

/** What the host says to `admit` and `fetched`; undefined: it never answers. */
type Host = {
  admit(call: WorkerCall & { ask: 'admit' }): unknown;
  fetched?(call: WorkerCall & { ask: 'fetched' }): unknown;
};

let world: World;
let host: Host;
let server: Server;
let url: string;
let asked: { method: string; path: string; headers: Record<string, unknown>; body: string }[];
let listener: RequestListener;
let names = 0;

const never = () => new Promise(() => {});
const go = (more: object = {}): Host => ({
  admit: ({ origin }) => ({ is: 'go', origin, pass: 7, credentials: true, attempts: 3, timeoutMs: 5_000, ...more }),
  fetched: () => null,
});

beforeAll(async () => {
  world = await createWorld({
    answer(call) {
      if (call.ask === 'admit') return Promise.resolve(host.admit(call));
      if (call.ask === 'fetched') return Promise.resolve(host.fetched?.(call));
      return Promise.resolve(undefined);
    },
    secrets: async () => ({ KEY: 's3cr3t-key' }),
  });
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      asked.push({ method: request.method!, path: request.url!, headers: request.headers, body });
      listener(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  host = go();
  asked = [];
});
afterAll(async () => {
  await world.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
afterEach(() => {
  host = go();
  asked = [];
  world.calls.length = 0;
});

/** Runs `body` in a worker; `url` is the server's. */
async function result(body: string, more: object = {}) {
  const name = `f${++names}`;
  const needs = { net: ['127.0.0.1', 'localhost'], secrets: ['KEY'] };
  await world.agent(name, runs(`const { fetch } = context; const url = ${JSON.stringify(url)}; ${body}`), {
    needs,
    ...more,
  });
  const outcome = await world.run(name);
  world.remove(name);
  return outcome.is === 'done' ? JSON.parse(outcome.result ?? 'null') : outcome.fault;
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  await new Promise((resolve) => taken.close(resolve));
  return port;
}

const ends = () => world.calls.filter((call) => call.ask === 'fetched').map((call) => call.end);
const statuses = (...list: number[]): RequestListener => {
  let at = 0;
  return (_, response) => response.writeHead(list[Math.min(at++, list.length - 1)]!).end('body');
};

describe('a call that fails', () => {
  it('is tried again when that does no harm, and told to the host each time', async () => {
    listener = statuses(503, 502, 200);
    expect(await result(`const a = await fetch(url + '/p?q=1'); return [a.status, await a.text()];`)).toEqual([
      200,
      'body',
    ]);
    expect(asked.map(({ path }) => path)).toEqual(['/p?q=1', '/p?q=1', '/p?q=1']);
    expect(ends()).toMatchObject([
      { is: 'bad', failure: { what: '503 Service Unavailable', status: 503 } },
      { is: 'bad', failure: { status: 502 } },
      { is: 'good' },
    ]);
    expect(world.calls.find((call) => call.ask === 'fetched')).toMatchObject({ meant: url, origin: url, pass: 7 });
  });

  it('is the plugin’s to judge when the tries are over', async () => {
    listener = statuses(500);
    expect(await result('return (await fetch(url)).status;')).toBe(500);
    expect(asked).toHaveLength(3);
  });

  it.each([
    ['POST', `{ method: 'POST', body: 'x' }`, 1],
    ['PUT with a text', `{ method: 'PUT', body: 'x' }`, 3],
    ['PUT with a stream', `{ method: 'PUT', duplex: 'half', body: new Blob(['x']).stream() }`, 1],
    ['DELETE', `{ method: 'DELETE' }`, 3],
    ['GET that wants one try', '{ attempts: 1 }', 1],
    ['GET that wants two', '{ attempts: 2 }', 2],
  ])('%s', async (_, init, tries) => {
    listener = statuses(503);
    expect(await result(`return (await fetch(url, ${init})).status;`)).toBe(503);
    expect(asked).toHaveLength(tries);
  });

  it('a short Retry-After is obeyed, a long one is handed over', async () => {
    let first = true;
    listener = (_, response) => {
      response.writeHead(first ? 429 : 200, { 'retry-after': '1' }).end();
      first = false;
    };
    const took = await result('const at = performance.now(); await fetch(url); return performance.now() - at;');
    expect(took).toBeGreaterThanOrEqual(990);
    expect(ends()[0]).toMatchObject({ failure: { retryAfterMs: 1_000 } });
    listener = (_, response) => response.writeHead(429, { 'retry-after': '120' }).end();
    asked = [];
    expect(await result('return (await fetch(url)).headers.get("retry-after");')).toBe('120');
    expect(asked).toHaveLength(1);
  });

  it('a server that says nothing is one that failed, after the time of one try', async () => {
    listener = () => {};
    const said = await result(`await fetch(url, { timeout: '200ms', attempts: 2 });`);
    expect(said).toMatchObject({
      code: 'FETCH_TIMEOUT',
      message: `${url}/ did not answer within 200ms`,
      next: "fetch(url, { timeout: '2m' })",
      file: expect.stringMatching(/^plugins\//),
      line: expect.any(Number),
    });
    expect(ends()).toMatchObject([{ failure: { what: 'no answer within 200ms' } }, { is: 'bad' }]);
    expect(world.calls.find((call) => call.ask === 'admit')).toMatchObject({ timeoutMs: 200 });
  });

  it('a plugin that waits for less than the server is given says nothing about it, and may try again', async () => {
    listener = () => {};
    host = go({ failsAfterMs: 30_000 });
    expect(await result(`await fetch(url, { timeout: '150ms', attempts: 2 });`)).toMatchObject({
      code: 'FETCH_TIMEOUT',
    });
    expect(ends()).toMatchObject([{ is: 'gone' }, { is: 'gone' }]);
  });

  it('an answer that goes on takes as long as it takes, and is what any fetch gives', async () => {
    listener = (_request, response) => {
      let part = 0;
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      const drip = setInterval(() => {
        response.write(`${++part} `);
        if (part < 8) return;
        clearInterval(drip);
        response.end();
      }, 200);
    };
    const body = `const answer = await fetch(url + '/drip?key=1', { timeout: '1200ms' });
      const copy = answer.clone();
      const parts = []; for await (const part of answer.body) parts.push(part.byteLength);
      return [await copy.text(), parts.length > 3, answer.url, copy.url, answer.status, answer.ok, answer.redirected, answer.type,
        answer.headers.getSetCookie().length, answer instanceof Response, (await (await fetch('data:text/plain,x')).text())];`;
    const said = await result(body, { limits: { timeoutMs: 10_000, silenceMs: 1_300 } });
    const address = `${url}/drip?key=1`;
    expect(said).toEqual(['1 2 3 4 5 6 7 8 ', true, address, address, 200, true, false, 'basic', 2, true, 'x']);
  });

  it('an answer that falls silent has failed, with address, figure and line', async () => {
    listener = (_request, response) => void response.write('begun');
    const body = `const answer = await fetch(url + '/half?token=secret', { timeout: '150ms' });
      await answer.json();`;
    expect(await result(body)).toMatchObject({
      code: 'FETCH_TIMEOUT',
      message: `${url}/half?… sent nothing for 150ms in the middle of its answer`,
      line: 6,
    });
    const stopped = await result(`return (await fetch(url)).text();`, {
      limits: { timeoutMs: 200, silenceMs: 10_000, graceMs: 1_000 },
    });
    expect(stopped).toMatchObject({ code: 'TIMEOUT' });
  });

  it('a body that nobody reads, or that is given up, costs nothing', async () => {
    listener = (_request, response) => void response.write('begun');
    expect(await result(`const answer = await fetch(url); await answer.body.cancel(); return answer.status;`)).toBe(
      200,
    );
    listener = (_request, response) => response.writeHead(204).end();
    expect(await result(`const answer = await fetch(url); return [answer.body, await answer.text()];`)).toEqual([
      null,
      '',
    ]);
    listener = (_request, response) => response.end('');
    expect(await result(`return (await (await fetch(url)).arrayBuffer()).byteLength;`)).toBe(0);
    listener = (_request, response) => response.end('x'.repeat(300_000));
    expect(
      await result(`const reader = (await fetch(url)).body.getReader({ mode: 'byob' }); let n = 0;
      for (;;) { const { done, value } = await reader.read(new Uint8Array(50_000)); if (done) return n; n += value.byteLength; }`),
    ).toBe(300_000);
  });

  it('an end of the job or of the plugin’s own patience says nothing about the server', async () => {
    listener = () => {};
    const limits = { timeoutMs: 1_500, silenceMs: 10_000, graceMs: 1_000 };
    expect(await result('await fetch(url);', { limits })).toMatchObject({ code: 'TIMEOUT' });
    const own = await result('await fetch(url, { signal: AbortSignal.timeout(1_000) });');
    expect(own).toMatchObject({ code: 'TimeoutError' });
    expect(ends()).toMatchObject([{ is: 'gone' }, { is: 'gone' }]);
  });

  it('a closed port is a failure of the server; a URL that is none, or a host that is not allowed, is not', async () => {
    const closed = await result(`await fetch('http://127.0.0.1:${await closedPort()}/', { attempts: 1 });`);
    expect(closed).toMatchObject({ code: expect.stringMatching(/ECONNREFUSED|TypeError/) });
    expect(ends()).toMatchObject([{ is: 'bad', failure: { what: expect.stringContaining('ECONNREFUSED') } }]);
    world.calls.length = 0;
    expect(await result(`await fetch('http://elsewhere.example/');`)).toMatchObject({ code: 'NOT_IN_NEEDS' });
    expect(await result(`await fetch(url, { headers: { 'a b': 'c' } });`)).toMatchObject({ code: expect.any(String) });
    expect(ends()).toMatchObject([{ is: 'gone' }]);
  });

  it('one that was sent on to another server does not speak for the first', async () => {
    listener = (request, response) => {
      if (request.url === '/')
        response.writeHead(302, { location: url.replace('127.0.0.1', 'localhost') + '/b' }).end();
      else response.writeHead(503).end();
    };
    const answer = await result(`const a = await fetch(url + '/', { attempts: 1 }); return a.status;`);
    expect([503]).toContain(answer);
    expect(ends()).toMatchObject([{ is: 'good' }]);
  });

  it.each([
    ['attempts', '{ attempts: 0 }'],
    ['timeout', `{ timeout: 'soon' }`],
  ])('%s that make no sense are refused', async (_, init) => {
    expect(await result(`await fetch(url, ${init});`)).toMatchObject({ code: 'CALL_INVALID' });
  });
});

describe('a call that the host refuses', () => {
  const down = {
    origin: 'x',
    since: Date.UTC(2026, 10, 24),
    retryAt: Date.UTC(2026, 10, 24, 1),
    last: '503',
    barred: [],
  };

  it('does not go out, and tells who is down, since when, until when and why', async () => {
    host = { admit: ({ origin }) => ({ is: 'down', down: { ...down, origin } }) };
    expect(await result('await fetch(url);')).toMatchObject({
      code: 'ORIGIN_DOWN',
      message: `${url} is down since 2026-11-24T00:00:00.000Z, next asked at 2026-11-24T01:00:00.000Z (last: 503)`,
      data: { origin: url, last: '503' },
      file: expect.stringMatching(/plugins\/f\d+\.ts/),
    });
    expect(asked).toEqual([]);
  });

  it('is told so by its code when the plugin catches it, and also when it throws on with a cause', async () => {
    host = { admit: () => ({ is: 'down', down }) };
    expect(await result('try { await fetch(url); } catch (error) { return error.code; }')).toBe('ORIGIN_DOWN');
    const thrown = await result(`try { await fetch(url); } catch (cause) { throw new Error('no prices', { cause }); }`);
    expect(thrown).toMatchObject({
      code: 'ORIGIN_DOWN',
      message: expect.stringContaining('no prices: x is down since'),
    });
  });

  it('is refused in the midst of its tries, as soon as the origin is down', async () => {
    listener = statuses(503);
    let admits = 0;
    host = {
      ...go(),
      admit: (call) => (++admits <= 2 ? go().admit(call) : { is: 'down', down }),
      fetched: () => (admits === 2 ? down : null),
    };
    expect(await result('await fetch(url);')).toMatchObject({ code: 'ORIGIN_DOWN' });
    expect(asked).toHaveLength(2);
  });

  it('also when it may not be repeated: what came of it is not left to burn an attempt', async () => {
    listener = statuses(503);
    host = { ...go(), fetched: () => down };
    // The plugin must know that this call was out: what it posted may be there.
    const told = { code: 'ORIGIN_DOWN', data: { asked: true } };
    expect(await result(`await fetch(url, { method: 'POST', body: 'x' });`)).toMatchObject(told);
    expect(asked).toHaveLength(1);
    host = { admit: () => ({ is: 'down', down }) };
    expect((await result(`await fetch(url, { method: 'POST', body: 'x' });`)).data).not.toHaveProperty('asked');
  });
});

describe('another one of the chain', () => {
  const elsewhere = () => url.replace('127.0.0.1', 'localhost');
  const call = `const answer = await fetch(url + '/v1/chat?x=1', { method: 'POST', body: 'b', headers:
    { authorization: 'Bearer x', cookie: 'c=1', 'x-key': 'k ' + secrets.KEY, accept: 'text/plain' } }); return answer.url;`;

  it('gets the same path, query and body, and nothing that says who asks', async () => {
    listener = statuses(200);
    host = {
      ...go({ credentials: false }),
      admit: (one) => ({ ...(go({ credentials: false }).admit(one) as object), origin: elsewhere() }),
    };
    expect(await result(call)).toBe(`${elsewhere()}/v1/chat?x=1`);
    expect(asked).toMatchObject([
      { method: 'POST', path: '/v1/chat?x=1', body: 'b', headers: { accept: 'text/plain' } },
    ]);
    for (const name of ['authorization', 'cookie', 'x-key']) expect(asked[0]!.headers).not.toHaveProperty(name);
    expect(world.calls.find((one) => one.ask === 'fetched')).toMatchObject({ meant: url, origin: elsewhere() });
  });

  it('gets the credentials when the settings say so', async () => {
    listener = statuses(200);
    host = { ...go(), admit: (one) => ({ ...(go().admit(one) as object), origin: elsewhere() }) };
    await result(call);
    expect(asked).toMatchObject([{ headers: { authorization: 'Bearer x', cookie: 'c=1' } }]);
  });

  it('a request object goes there as well', async () => {
    listener = statuses(200);
    host = {
      ...go(),
      admit: (one) => ({
        ...(go({ credentials: false }).admit(one) as object),
        credentials: false,
        origin: elsewhere(),
      }),
    };
    const body = `const r = new Request(url + '/r', { method: 'PUT', body: 'whole', headers: { authorization: 'x', 'x-a': '1' } });
      return (await fetch(r)).url;`;
    expect(await result(body)).toBe(`${elsewhere()}/r`);
    expect(asked).toMatchObject([{ method: 'PUT', body: 'whole', headers: { 'x-a': '1' } }]);
    expect(asked[0]!.headers).not.toHaveProperty('authorization');
  });

  it('is not thought of for a call that carries a secret where nobody can take it out', async () => {
    listener = statuses(200);
    await result(`await fetch(url + '/?key=' + secrets.KEY);`);
    await result(`await fetch(url, { method: 'POST', body: JSON.stringify({ key: secrets.KEY }) });`);
    await result('await fetch(url);');
    const admits = world.calls.filter((one) => one.ask === 'admit');
    expect(admits.map(({ alone }) => alone)).toEqual([true, true, false]);
  });
});

it('an agent that may reach nobody is refused at once, and can still read what is in its own hands', async () => {
  const body = `const own = await (await fetch('data:text/plain,hello')).text();
    try { await fetch(url); } catch (error) { return [own, error.code]; }`;
  expect(await result(body, { needs: {} })).toEqual(['hello', 'NOT_IN_NEEDS']);
  expect(world.calls).toEqual([]);
});

describe('a host that says nothing', () => {
  it('costs a second, not the call: it goes out once, and is not told of', async () => {
    listener = statuses(503);
    host = { admit: never };
    const said = await result(
      'const at = performance.now(); const a = await fetch(url); return [a.status, performance.now() - at];',
    );
    expect(said[0]).toBe(503);
    expect(said[1]).toBeLessThan(5_000);
    expect(asked).toHaveLength(1);
    expect(ends()).toEqual([]);
  });

  it('holds up no end of a job, neither with its leave nor with its ear', async () => {
    listener = statuses(200);
    host = { ...go(), fetched: never };
    expect(await result('return (await fetch(url)).status;')).toBe(200);
    listener = statuses(503);
    expect(await result('return (await fetch(url, { attempts: 1 })).status;')).toBe(503);
  });
});
