import { GiveUp } from 'daruma';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blueskyRecord, tidOf } from '../../plugins/lib/bluesky.ts';
import { bytes, characters } from '../../plugins/lib/shorten.ts';
import postBluesky from '../../plugins/post-bluesky.ts';
import { runPlugin } from './context.ts';
import { jsonOf, network, type Reply } from './network.ts';

const input = { title: 'All wéll', text: 'All wéll: see https://shop.example/a, 👩‍👧', url: 'https://a.example/1' };
let accounts = 0;

/** A server whose sessions work; `put` answers for the record. Each test has an account of its own, since a worker keeps its session. */
async function bluesky(put: (count: number) => Reply) {
  let puts = 0;
  const server = await network(({ path }) =>
    path.endsWith('createSession') ? { body: { did: 'did:plc:me', accessJwt: 'jwt' } } : put(++puts),
  );
  const handle = `account-${++accounts}.test`;
  const given = {
    input,
    effects: new Map(),
    secrets: { BLUESKY_APP_PASSWORD: 'sesame' },
    settings: { server: server.url, handle, languages: ['en'] },
  };
  return { run: () => runPlugin(postBluesky, given), seen: server.seen };
}
const done = { body: { uri: 'at://did:plc:me/app.bsky.feed.post/3k', cid: 'bafy' } };

describe('Bluesky', () => {
  it('gets a record with its links, under a key of the job', async () => {
    const { run, seen } = await bluesky(() => done);
    expect((await run()).result).toEqual({ posted: true, ...done.body });
    const { repo, collection, rkey, record } = jsonOf(seen[1]);
    expect([repo, collection, rkey]).toEqual([
      'did:plc:me',
      'app.bsky.feed.post',
      expect.stringMatching(/^[2-7a-j][2-7a-z]{12}$/),
    ]);
    expect(record).toMatchObject({
      text: input.text,
      langs: ['en'],
      embed: { external: { uri: input.url, title: 'All wéll' } },
    });
    const [{ index, features }] = record.facets;
    expect(Buffer.from(record.text).subarray(index.byteStart, index.byteEnd).toString()).toBe('https://shop.example/a');
    expect(features[0].uri).toBe('https://shop.example/a');
  });

  it('puts the same record again when nobody knows whether it is there', async () => {
    const { run, seen } = await bluesky((count) => (count === 1 ? 'drop' : count === 2 ? { status: 500 } : done));
    await expect(run()).rejects.toThrow('not known');
    await expect(run()).rejects.toThrow('not known');
    expect((await run()).result).toMatchObject({ posted: true });
    const puts = seen.filter(({ path }) => path.endsWith('putRecord')).map(({ body }) => body);
    expect([puts.length, new Set(puts).size]).toEqual([3, 1]);
    // One login does for all of them.
    expect(seen.filter(({ path }) => path.endsWith('createSession'))).toHaveLength(1);
  });

  it('opens another session when one has ended, and gives up on a bad record', async () => {
    const ended = { status: 400, body: { error: 'ExpiredToken', message: 'Token has expired' } };
    const { run, seen } = await bluesky((count) => (count === 1 ? ended : done));
    await expect(run()).rejects.not.toThrow(GiveUp);
    expect((await run()).result).toMatchObject({ posted: true });
    expect(seen.filter(({ path }) => path.endsWith('createSession'))).toHaveLength(2);
    const bad = await bluesky(() => ({
      status: 400,
      body: { error: 'InvalidRequest', message: 'must not be longer than 300 graphemes' },
    }));
    await expect(bad.run()).rejects.toThrow(GiveUp);
  });
});

it('a text has at most 300 characters and 3,000 bytes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant('👩‍👩‍👧‍👦'), fc.string({ unit: 'grapheme', maxLength: 20 })), {
        minLength: 1,
        maxLength: 400,
      }),
      (words) => {
        const { text } = blueskyRecord({ text: `x ${words.join(' ')}` }, { at: 0, languages: [] });
        expect(characters(text)).toBeLessThanOrEqual(300);
        expect(bytes(text)).toBeLessThanOrEqual(3_000);
      },
    ),
    { numRuns: 40 },
  );
});

it('a TID is of its time, sorts by it, and is that of its job', () => {
  const at = Date.parse('2026-11-27T12:00:00Z');
  expect(tidOf('a', at)).toBe(tidOf('a', at));
  expect(tidOf('a', at)).not.toBe(tidOf('b', at));
  expect(tidOf('z', at) < tidOf('a', at + 1)).toBe(true);
  const digits = '234567abcdefghijklmnopqrstuvwxyz';
  const value = [...tidOf('a', at)].reduce((sum, sign) => sum * 32n + BigInt(digits.indexOf(sign)), 0n);
  expect(Number(value >> 10n) / 1_000 - at).toBeLessThan(1);
});
