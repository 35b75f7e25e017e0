import { describe, expect, it } from 'vitest';
import { request } from '../../plugins/lib/post-request.ts';

/** A call that fails of `error`, and what became of it. */
async function judged(error: object, serverError: 'unclear' | 'failed' = 'unclear'): Promise<string> {
  const fetch = () => Promise.reject(Object.assign(new Error('no'), error));
  const end = await request('https://a.example/', {}, { fetch, network: 'A', serverError }).catch((thrown) => thrown);
  return (end as Error).name;
}
const down = (data: object, cause?: object) => ({ code: 'ORIGIN_DOWN', plain: { data }, cause });

describe('a call that threw', () => {
  it.each([
    ['no connection', { cause: { code: 'ECONNREFUSED' } }],
    ['no such name', { cause: { code: 'ENOTFOUND' } }],
    ['a host that needs.net does not name', { code: 'NOT_IN_NEEDS' }],
    ['a server that is down, and was not asked', down({})],
  ])('was never sent: %s', async (_, error) => expect(await judged(error)).toBe('Error'));

  it.each([
    ['a connection that broke', { cause: { code: 'UND_ERR_SOCKET' } }],
    ['no answer in time', { code: 'FETCH_TIMEOUT' }],
    ['the end of the job', { name: 'AbortError' }],
    ['the call that closed the door', down({ asked: true }, { code: 'UND_ERR_SOCKET' })],
  ])('may have done its work: %s', async (_, error) => expect(await judged(error, 'failed')).toBe('Unclear'));

  it('and closed the door by an answer of 500 has done nothing where the network says so', async () => {
    expect(await judged(down({ asked: true }), 'failed')).toBe('Error');
    expect(await judged(down({ asked: true }))).toBe('Unclear');
  });
});

describe('an answer', () => {
  const answered = (status: number, headers: Record<string, string> = {}) =>
    request(
      'https://a.example/',
      {},
      { fetch: async () => new Response('why', { status, headers }), network: 'A', now: () => 0 },
    ).catch((thrown) => thrown);

  it('of 429 says when to come back: in seconds, as a date, or as a moment', async () => {
    expect(await answered(429, { 'retry-after': '7' })).toMatchObject({ name: 'RetryLater', after: '7s' });
    expect(await answered(429, { 'retry-after': new Date(90_000).toUTCString() })).toMatchObject({ after: '90s' });
    expect(await answered(429, { 'retry-after': '9999999' })).toMatchObject({ after: '86400s' });
    expect(await answered(429)).toMatchObject({ after: '60s' });
  });

  it('is refused for good, for now, or unclear', async () => {
    for (const status of [400, 401, 402, 403, 404, 413, 422]) expect((await answered(status)).name).toBe('GiveUp');
    for (const status of [409, 425]) expect((await answered(status)).name).toBe('Error');
    for (const status of [408, 500, 502, 503]) expect((await answered(status)).name).toBe('Unclear');
  });
});
