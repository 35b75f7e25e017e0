import { GiveUp, RetryLater } from 'daruma';
import { describe, expect, it } from 'vitest';
import { textOfHtml } from '../../plugins/lib/html-text.ts';
import { linkless } from '../../plugins/lib/linkless.ts';
import { oauthHeader } from '../../plugins/lib/oauth1.ts';
import postDevto from '../../plugins/post-devto.ts';
import postMastodon from '../../plugins/post-mastodon.ts';
import postX from '../../plugins/post-x.ts';
import { runPlugin, type World } from './context.ts';
import { jsonOf, network, type Reply, type Seen } from './network.ts';

const input = {
  title: 'All well',
  text: 'All well: 12 jobs of @scope/pkg, see https://shop.example/a?b=1 or api.shop.com.',
  url: 'https://a.example/1',
};
const soon = { settle: '0s' };
const now = () => new Date().toISOString();
const paths = (seen: Seen[]) => seen.map(({ method, path }) => `${method} ${path.split('?')[0]}`);

/** Attempts of one job: effects and state stay. */
const attempts = (world: World = {}): World => ({ input, effects: new Map(), states: new Map(), ...world });

describe('Mastodon', () => {
  const secrets = { MASTODON_TOKEN: 'sesame' };
  const shown =
    '<p>All well: 12 jobs of @\u200bscope/pkg, see <a href="https://shop.example/a?b=1"><span class="invisible">https://</span><span>shop.example/a?b=1</span></a> or api.shop.com.</p><p><a href="https://a.example/1">https://a.example/1</a></p>';

  async function mastodon(answer: (seen: Seen, count: number) => Reply, world: World = {}) {
    const server = await network((seen, count) => {
      if (seen.path.endsWith('verify_credentials')) return { body: { id: '9' } };
      if (seen.path.includes('/accounts/9/statuses'))
        return {
          body: [
            { id: '71', created_at: now(), content: shown },
            { id: '70', created_at: '2026-01-01T00:00:00.000Z', content: '<p>else</p>' },
          ],
        };
      return answer(seen, count);
    });
    const given = attempts({
      secrets,
      ...world,
      settings: { server: server.url, ...soon, ...(world.settings as object) },
    });
    return { run: () => runPlugin(postMastodon, given), seen: server.seen };
  }

  it('posts text and link, with the job as the key, and calls nobody', async () => {
    const { run, seen } = await mastodon(() => ({ body: { id: '5', url: 'https://m.example/@a/5' } }));
    expect((await run()).result).toEqual({ posted: true, id: '5', url: 'https://m.example/@a/5' });
    expect(seen[0]!.headers).toMatchObject({ 'idempotency-key': 'job-1', authorization: 'Bearer sesame' });
    expect(jsonOf(seen[0])).toEqual({
      status: `${input.text.replace('@', '@\u200b')}\n\nhttps://a.example/1`,
      visibility: 'public',
    });
  });

  it('looks up a post whose answer was lost, and one that a repeat answers with 500', async () => {
    for (const lost of ['drop', { status: 500 }] as const) {
      const { run, seen } = await mastodon(() => lost);
      await expect(run()).rejects.toThrow('not known whether it was posted');
      expect((await run()).result).toMatchObject({ posted: true, id: '71' });
      expect(paths(seen)).toEqual([
        'POST /api/v1/statuses',
        'GET /api/v1/accounts/verify_credentials',
        'GET /api/v1/accounts/9/statuses',
      ]);
    }
  });

  it('sends again, with the same key, what is not there', async () => {
    const other = { input: { text: 'Something else' } };
    const { run, seen } = await mastodon((_, count) => (count === 1 ? 'drop' : { body: { id: '72' } }), other);
    await expect(run()).rejects.toThrow('not known');
    expect((await run()).result).toMatchObject({ id: '72' });
    const keys = seen.filter(({ method }) => method === 'POST').map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual(['job-1', 'job-1']);
  });

  it('relies on the key where the token may not read', async () => {
    const server = await network(({ method }, count) =>
      count === 1 ? 'drop' : method === 'GET' ? { status: 403 } : { body: { id: '8' } },
    );
    const given = attempts({ secrets, settings: { server: server.url, ...soon } });
    await expect(runPlugin(postMastodon, given)).rejects.toThrow('not known');
    expect(await runPlugin(postMastodon, given)).toMatchObject({
      result: { id: '8' },
      warnings: [expect.stringContaining('read:statuses')],
    });
  });
});

describe('X', () => {
  const secrets = { X_API_KEY: 'k', X_API_SECRET: 'ks', X_ACCESS_TOKEN: 't', X_ACCESS_SECRET: 'ts' };
  const TEXT = 'All well: 12 jobs of @\u200bscope/pkg, see shop[.]example/a?b=1 or api[.]shop[.]com.';

  async function x(answer: (seen: Seen, count: number) => Reply, settings: object = {}) {
    const server = await network((seen, count) => {
      if (seen.path === '/2/users/me') return { body: { data: { id: '4' } } };
      return answer(seen, count);
    });
    const given = attempts({ secrets, settings: { server: server.url, ...soon, ...settings } });
    return { run: () => runPlugin(postX, given), seen: server.seen };
  }

  it('posts without links, and says what it cost', async () => {
    const { run, seen } = await x(() => ({ status: 201, body: { data: { id: '1', text: '' } } }));
    expect(await run()).toMatchObject({
      result: { posted: true, id: '1', cost: 0.015 },
      summary: 'Posted for $0.015.',
    });
    expect(jsonOf(seen[0])).toEqual({ text: TEXT });
    expect(seen[0]!.headers.authorization).toMatch(/^OAuth oauth_consumer_key="k", .*oauth_signature="[^"]+"$/);
  });

  it('posts links where the agent pays for them', async () => {
    const { run, seen } = await x(() => ({ status: 201, body: { data: { id: '1' } } }), { link: true });
    expect((await run()).result).toMatchObject({ cost: 0.2 });
    expect(jsonOf(seen[0]).text).toMatch(/https:\/\/a\.example\/1$/);
  });

  it('takes its own post for sent when the answer was lost, by its own last posts', async () => {
    const own = (id: string, text: string) => ({ id, text, created_at: now() });
    const { run, seen } = await x(({ method }) =>
      method === 'POST' ? { status: 503 } : { body: { data: [own('8', 'else'), own('7', TEXT)] } },
    );
    await expect(run()).rejects.toThrow('not known');
    expect((await run()).result).toMatchObject({ posted: true, id: '7' });
    expect(paths(seen)).toEqual(['POST /2/tweets', 'GET /2/users/me', 'GET /2/users/4/tweets']);
  });

  it('knows its links by what they lead to', async () => {
    const listed = {
      id: '6',
      text: 'Read https://t.co/a &amp; https://t.co/b',
      created_at: now(),
      entities: {
        urls: [
          { url: 'https://t.co/a', expanded_url: 'https://shop.example/1' },
          { url: 'https://t.co/b', expanded_url: 'https://a.example/1' },
        ],
      },
    };
    const server = await network(({ method, path }) =>
      method === 'POST' ? 'drop' : { body: { data: path === '/2/users/me' ? { id: '4' } : [listed] } },
    );
    const post = { text: 'Read https://shop.example/1 &', url: 'https://a.example/1' };
    const given = attempts({ secrets, input: post, settings: { server: server.url, link: true, ...soon } });
    await expect(runPlugin(postX, given)).rejects.toThrow('not known');
    expect((await runPlugin(postX, given)).result).toMatchObject({ id: '6' });
  });

  it('402 gives up at once; 429 waits until the limit is over; a duplicate of somebody else is refused', async () => {
    const spent = await x(() => ({ status: 402, body: { title: 'CreditsDepleted' } }));
    await expect(spent.run()).rejects.toThrow(/402.*no credit left/s);
    await expect(spent.run()).rejects.toThrow(GiveUp);
    const reset = { 'x-rate-limit-reset': String(Math.ceil(Date.now() / 1_000) + 90) };
    const limited = await x(() => ({ status: 429, headers: reset }));
    await expect(limited.run()).rejects.toMatchObject({
      name: 'RetryLater',
      after: expect.stringMatching(/^(89|90|91)s$/),
    });
    const twice = await x(() => ({
      status: 403,
      body: { detail: 'You are not allowed to create a Tweet with duplicate content.' },
    }));
    await expect(twice.run()).rejects.toThrow(GiveUp);
  });

  it('is signed as X documents it', () => {
    const keys = {
      consumerKey: 'xvz1evFS4wEEPTGEFPHBog',
      consumerSecret: 'kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw',
      token: '370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb',
      tokenSecret: 'LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE',
    };
    const query = 'include_entities=true&status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21';
    const at = { nonce: 'kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg', now: 1_318_622_958_000 };
    const header = oauthHeader('POST', `https://api.twitter.com/1.1/statuses/update.json?${query}`, keys, at);
    expect(decodeURIComponent(/oauth_signature="([^"]+)"/.exec(header)![1]!)).toBe('hCtSmYh+iHYCEqBWrE7C7hYmtUk=');
  });

  it.each([
    ['see https://shop.example/x.', 'see shop[.]example/x.'],
    ['api.shop.com is down', 'api[.]shop[.]com is down'],
    ['TypeError: prices.map of main.ts, e.g. v1.2', 'TypeError: prices.map of main.ts, e.g. v1.2'],
  ])('without links %j is %j', (text, without) => expect(linkless(text)).toBe(without));
});

describe('dev.to', () => {
  const secrets = { DEVTO_API_KEY: 'sesame' };
  async function devto(answer: (seen: Seen, count: number) => Reply) {
    const server = await network(answer);
    const given = attempts({ secrets, settings: { server: server.url, tags: ['ops'], ...soon } });
    return { run: () => runPlugin(postDevto, given), seen: server.seen };
  }

  it('gets a draft', async () => {
    const { run, seen } = await devto(() => ({ status: 201, body: { id: 3, url: 'https://dev.to/x' } }));
    expect((await run()).result).toEqual({ posted: true, id: 3, url: 'https://dev.to/x', draft: true });
    expect(seen[0]!.headers['api-key']).toBe('sesame');
    const { article } = jsonOf(seen[0]);
    expect(article).toMatchObject({ title: 'All well', published: false, tags: ['ops'] });
    expect(article.body_markdown).toMatch(/Read on: <https:\/\/a\.example\/1>\n\n<!-- daruma job job-1 -->$/);
  });

  it('knows a lost draft by its mark', async () => {
    const { run } = await devto(({ method }) =>
      method === 'POST'
        ? 'drop'
        : {
            body: [
              { id: 1, body_markdown: 'x' },
              { id: 2, body_markdown: 'y <!-- daruma job job-1 -->' },
            ],
          },
    );
    await expect(run()).rejects.toThrow('not known');
    expect((await run()).result).toMatchObject({ id: 2 });
  });

  it('waits where another article has the title', async () => {
    const { run } = await devto(() => ({
      status: 422,
      body: { error: 'Title has already been used in the last five minutes' },
    }));
    await expect(run()).rejects.toThrow(RetryLater);
  });
});

it('HTML is compared by its words', () => {
  expect(textOfHtml('<p>a &amp; b<br/>&#39;c&#x27; &unknown; <span class="x">d</span></p>')).toBe(
    "a & b\n'c' &unknown; d\n",
  );
});
