import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RetryLater } from 'daruma';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import apiHealth from '../../plugins/api-health.ts';
import { runPlugin } from './context.ts';

const answers: Record<string, (answer: ServerResponse) => void> = {
  '/ok': (answer) => answer.end('all is well'),
  '/moved': (answer) => answer.writeHead(302, { location: '/ok' }).end(),
  '/broken': (answer) => answer.writeHead(500).end('no'),
  '/busy': (answer) => answer.writeHead(429, { 'retry-after': '7' }).end(),
  '/busier': (answer) => answer.writeHead(429, { 'retry-after': '9999' }).end(),
  '/shut': (answer) => answer.writeHead(503).end(),
  '/silent': () => {},
  '/long': (answer) => answer.end(`${'x'.repeat(200_000)} found`),
};
const asked: string[] = [];
const server = createServer((request, answer) => {
  asked.push(request.url!);
  answers[request.url!]?.(answer);
});
let origin = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const check = (...urls: Record<string, unknown>[]) => checkWithin('10s', ...urls);
const checkWithin = (timeout: string, ...urls: Record<string, unknown>[]) =>
  runPlugin(apiHealth, {
    settings: { timeout, urls: urls.map((one) => ({ slowAfter: '10s', ...one, url: origin + one.url })) },
  });

describe('without URLs', () => {
  it("asks at Daruma's own front door", async () => {
    const { result, summary } = await runPlugin(apiHealth);
    expect(result).toEqual({ checked: 1, urls: [{ url: 'control socket', status: null, ms: 3 }] });
    expect(summary).toContain('answered after 3 ms');
  });

  it('fails when the door is shut', async () => {
    const health = { asked: 'edge', ok: false, tookMs: 5_000, detail: 'no answer within 5 s' };
    await expect(runPlugin(apiHealth, { health })).rejects.toThrow("Daruma's own edge failed after 5.0 s: no answer");
  });
});

describe('with URLs', () => {
  it('tells status and time of each, in their order', async () => {
    const { result, summary, beats } = await check(
      { url: '/ok' },
      { url: '/moved' },
      { url: '/long', contains: 'found' },
    );
    expect(result.urls.map(({ url, status }: { url: string; status: number }) => [url, status])).toEqual([
      [`${origin}/ok`, 200],
      [`${origin}/moved`, 200],
      [`${origin}/long`, 200],
    ]);
    expect(result.urls[0].ms).toBeTypeOf('number');
    expect(beats).toHaveLength(3);
    expect(summary).toContain('| ✓ ok | http://127');
  });

  it('asks every one of many', async () => {
    asked.length = 0;
    const { result } = await check(...Array.from({ length: 20 }, () => ({ url: '/ok' })));
    expect(result.checked).toBe(20);
    expect(asked).toHaveLength(20);
  });

  it('names everything that is wrong, and only that', async () => {
    const run = checkWithin(
      '1s',
      { url: '/ok' },
      { url: '/broken' },
      { url: '/silent' },
      { url: '/ok', contains: 'nowhere' },
      { url: '/ok', slowAfter: '0ms', expect: 200 },
      { url: '/busy' },
    );
    const error: Error = await run.then(
      () => expect.fail('it did not fail'),
      (reason) => reason,
    );
    expect(error).not.toBeInstanceOf(RetryLater);
    expect(error.message).toMatch(/^5 of 6 URLs failed: /);
    expect(error.message).toMatch(/\/broken: status 500 after \d+ ms, expected 200-399;/);
    expect(error.message).toContain('/silent: no answer within 1.0 s;');
    expect(error.message).toContain('the answer does not hold "nowhere"');
    expect(error.message).toMatch(/slow: \d+ ms, expected at most 0ms/);
    expect(error.message).toContain('/busy: status 429');
  });

  it('sees a redirect when that is what is expected', async () => {
    const { result } = await check({ url: '/moved', expect: 302 });
    expect(result.urls[0].status).toBe(302);
    await expect(check({ url: '/ok', expect: '300-399' })).rejects.toThrow('status 200');
  });

  it('says why there was no answer', async () => {
    const settings = { urls: [{ url: 'http://127.0.0.1:1/' }] };
    await expect(runPlugin(apiHealth, { settings })).rejects.toThrow(/1 of 1 URL failed: .*(ECONNREFUSED|bad port)/);
  });

  it('leaves a server alone for as long as it asks, but not beyond the next slot', async () => {
    await expect(check({ url: '/ok' }, { url: '/busy' })).rejects.toMatchObject({
      name: 'RetryLater',
      after: '7000ms',
    });
    await expect(check({ url: '/busier' })).rejects.toMatchObject({ name: 'RetryLater', after: '240000ms' });
    await expect(check({ url: '/shut' })).rejects.not.toBeInstanceOf(RetryLater);
  });

  it('stops when the job is stopped', async () => {
    const stop = new AbortController();
    const settings = { urls: [{ url: `${origin}/silent` }] };
    const run = runPlugin(apiHealth, { settings, signal: stop.signal });
    stop.abort(new Error('drained'));
    await expect(run).rejects.toThrow('drained');
  });
});

it.each([['ftp://x.example/'], ['x.example'], ['']])('takes no URL like %j', (url) => {
  expect(apiHealth.settings!.safeParse({ urls: [{ url }] }).success).toBe(false);
});
