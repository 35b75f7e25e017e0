import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/kernel/fault.ts';
import {
  carriesSecret,
  connectionFailure,
  failureOf,
  forOrigin,
  orderOf,
  retryAfter,
} from '../../src/workers/inside/fetch-order.ts';

const NOW = Date.UTC(2026, 10, 24, 3);
const fetchFailed = (code: string, message = `connect ${code}`) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });

describe('what may be repeated', () => {
  it.each<[string, RequestInit | undefined, boolean]>([
    ['GET', undefined, true],
    ['head in any letters', { method: 'head' }, true],
    ['OPTIONS', { method: 'OPTIONS' }, true],
    ['POST', { method: 'POST', body: 'x' }, false],
    ['PATCH', { method: 'PATCH', body: 'x' }, false],
    ['PUT without a body', { method: 'PUT' }, true],
    ['PUT of bytes', { method: 'PUT', body: new Uint8Array(3) }, true],
    ['PUT of a form', { method: 'PUT', body: new FormData() }, true],
    ['PUT of a stream', { method: 'PUT', body: new Blob(['x']).stream() }, false],
    ['DELETE', { method: 'DELETE' }, true],
  ])('%s: %#', (_, init, expected) => {
    expect(orderOf('https://api.example/', init).isRepeatable).toBe(expected);
  });

  it('a request that carries its body is there once', () => {
    expect(orderOf(new Request('https://a.example/', { method: 'PUT', body: 'x' })).isRepeatable).toBe(false);
    expect(orderOf(new Request('https://a.example/', { method: 'DELETE' })).isRepeatable).toBe(true);
  });
});

describe('a failure of the server', () => {
  it.each([
    [200, false],
    [301, false],
    [404, false],
    [408, false],
    [429, true],
    [500, true],
    [503, true],
  ])('status %i: %s', (status, isFailure) => {
    const failure = failureOf(new Response(null, { status }), 'https://a.example', NOW);
    expect(failure !== null).toBe(isFailure);
    if (failure) expect(failure).toMatchObject({ status });
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'UND_ERR_SOCKET', 'CERT_HAS_EXPIRED'])(
    'is %s',
    (code) => expect(connectionFailure(fetchFailed(code))).toEqual({ what: `connect ${code}` }),
  );

  it.each(['EMFILE', 'ENOMEM', 'EADDRNOTAVAIL', 'ERR_INVALID_URL', 'UND_ERR_INVALID_ARG', 'ERR_ACCESS_DENIED'])(
    'is not %s: that is of this side',
    (code) => expect(connectionFailure(fetchFailed(code))).toBeNull(),
  );

  it('is no error that never came from a connection', () => {
    const fenced = new TypeError('fetch failed', { cause: new Fault({ code: 'NOT_IN_NEEDS', message: 'no' }) });
    const redirects = new TypeError('fetch failed', { cause: new Error('redirect count exceeded') });
    for (const error of [fenced, redirects, new Error('x'), 'x', new TypeError('Invalid header')])
      expect(connectionFailure(error)).toBeNull();
  });

  it.each([
    ['7', 7_000],
    [' 0 ', 0],
    [new Date(NOW + 90_000).toUTCString(), 90_000],
    [new Date(NOW - 90_000).toUTCString(), 0],
    ['soon', null],
    ['', null],
    [null, null],
  ])('asks to be left alone by Retry-After: %s', (said, expected) => {
    expect(retryAfter(said, NOW)).toBe(expected);
  });
});

describe('a call that goes to another one of the chain', () => {
  const secrets = { KEY: 'a b/c' };

  it('keeps path and query, and leaves behind who asks', () => {
    const order = orderOf('https://u:p@api.example/v1/x?q=1#part', {
      headers: { Authorization: 'x', Cookie: 'y', 'X-Api': 'key a b/c', Accept: '*/*' },
    });
    const { input, init } = forOrigin(order, 'https://mirror.example', { credentials: false, secrets });
    expect(String(input)).toBe('https://mirror.example/v1/x?q=1');
    expect([...(init.headers as Headers)]).toEqual([['accept', '*/*']]);
    const kept = forOrigin(order, 'https://mirror.example', { credentials: true, secrets });
    expect([...(kept.init.headers as Headers)].map(([name]) => name)).toContain('authorization');
  });

  it('is not made of one whose URL or body holds a secret, however it is written', () => {
    const holds = (url: string, init?: RequestInit) => carriesSecret(orderOf(url, init), secrets);
    expect(holds('https://api.example/?key=a%20b%2Fc')).toBe(true);
    expect(holds('https://api.example/', { method: 'POST', body: '{"key":"a b/c"}' })).toBe(true);
    expect(holds('https://api.example/', { method: 'POST', body: new URLSearchParams({ q: 'x' }) })).toBe(false);
    expect(carriesSecret(orderOf('https://api.example/'), { EMPTY: '' })).toBe(false);
  });
});
