import { expect, it } from 'vitest';
import { readFeed } from '../../plugins/lib/feed.ts';
import rssWatch from '../../plugins/rss-watch.ts';
import { runPlugin } from './context.ts';
import { network } from './network.ts';

const item = (n: number, title = `Release ${n}`) =>
  `<item><guid isPermaLink="false">r${n}</guid><title>${title}</title><link>/releases/${n}</link><description>&lt;p&gt;Number &lt;b&gt;${n}&lt;/b&gt; &amp;amp; more&lt;/p&gt;</description></item>`;
const rss = (...items: string[]) =>
  `<?xml version="1.0"?><rss version="2.0"><channel><title>Releases</title>${items.join('')}</channel></rss>`;

/** A server of a feed that knows ETag and If-Modified-Since; a stub of the many servers there are. */
async function feedServer(first: string) {
  let body = first;
  const server = await network(({ headers }) => {
    const etag = `"${body.length}"`;
    if (headers['if-none-match'] === etag) return { status: 304 };
    return {
      headers: { 'content-type': 'application/rss+xml', etag, 'last-modified': 'Sat, 21 Nov 2026 08:00:00 GMT' },
      body,
    };
  });
  const states = new Map<string, unknown>();
  const look = (settings: object = {}) =>
    runPlugin(rssWatch, { states, settings: { url: `${server.url}/feed`, ...settings } });
  return { look, seen: server.seen, becomes: (text: string) => (body = text) };
}

it('remembers at first, tells what is new once, oldest first, and asks by ETag', async () => {
  const { look, seen, becomes } = await feedServer(rss(item(2), item(1)));
  expect((await look()).sent).toEqual([]);
  expect((await look()).result).toEqual({ new: 0, changed: false });
  expect(seen[1]!.headers).toMatchObject({
    'if-none-match': expect.any(String),
    'if-modified-since': expect.stringContaining('2026'),
  });
  becomes(rss(item(4), item(3), item(2), item(1)));
  const { sent, result } = await look();
  expect(result).toEqual({ new: 2, left: 0, changed: true });
  expect(sent.map(({ input }) => input)).toEqual([
    { title: 'Release 3', text: 'Number 3 & more', url: expect.stringMatching(/^http:.*\/releases\/3$/) },
    { title: 'Release 4', text: 'Number 4 & more', url: expect.stringMatching(/^http:.*\/releases\/4$/) },
  ]);
  expect((await look()).result.changed).toBe(false);
});

it('a flood comes in parts, and what does not match is known all the same', async () => {
  const { look, becomes } = await feedServer(rss(item(1)));
  await look();
  becomes(rss(...Array.from({ length: 7 }, (_, n) => item(9 - n, n === 3 ? 'Security fix' : 'News'))));
  const settings = { most: 4, match: 'security' };
  const results = [await look(settings), await look(settings), await look(settings)];
  expect(results.map(({ result }) => result)).toEqual([
    { new: 1, left: 3, changed: true },
    { new: 0, left: 0, changed: true },
    { new: 0, changed: false },
  ]);
});

it('an answer that is no feed, and a server that fails, are failures', async () => {
  const { look } = await feedServer('<html><title>Sign in</title></html>');
  await expect(look()).rejects.toThrow('is no feed');
  const down = await network(() => ({ status: 503 }));
  await expect(runPlugin(rssWatch, { settings: { url: down.url } })).rejects.toThrow('the feed answered 503');
});

it('reads Atom, JSON Feed, RDF and XML that is not well-formed; no link is a script', () => {
  const from = 'https://a.example/feed/';
  const entries = (text: string) => readFeed(text, from)?.entries;
  const atom =
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><entry><id>tag:1</id><title type="html">Tom &amp;amp; Co</title><link href="../post"/><summary>x</summary></entry></feed>';
  expect(entries(atom)).toEqual([{ id: 'tag:1', title: 'Tom & Co', text: 'x', url: 'https://a.example/post' }]);
  const json = {
    version: 'https://jsonfeed.org/version/1.1',
    title: 'J',
    items: [{ id: 7, url: 'javascript:alert(1)', content_html: '<script>x()</script><p>Hi</p>' }],
  };
  expect(entries(JSON.stringify(json))).toEqual([{ id: '7', title: 'Hi', text: 'Hi', url: null }]);
  const rdf =
    '<rdf:RDF><channel><title>R</title></channel><item rdf:about="https://a.example/1"><title>One</title><link>https://a.example/1</link></item></rdf:RDF>';
  expect(entries(rdf)).toMatchObject([{ id: 'https://a.example/1', title: 'One' }]);
  expect(entries('<rss><channel><item><title>Left open & plain<description>a</item></channel>')).toHaveLength(1);
  for (const none of ['', '{', '{"version":"1"}', '<html></html>', 'hello']) expect(readFeed(none, from)).toBeNull();
});
