import { definePlugin, GiveUp, z } from 'daruma';
import { unescapeHtml } from './lib/html-text.ts';
import { linkless } from './lib/linkless.ts';
import { createClaims, type OwnPost, sendOnce, Unclear } from './lib/never-twice.ts';
import { oauthHeader } from './lib/oauth1.ts';
import { drySetting, drySummary, type Post, plainOf, post, shownRequest } from './lib/post.ts';
import { jsonInit, request } from './lib/post-request.ts';
import { callingNobody, linksIn, shortenBefore, xLength } from './lib/shorten.ts';
import { duration, showMoney } from './lib/units.ts';

const network = 'X';
const MOST = 280;
/** Of 100 posts each; X takes money for each post that it lists. */
const MOST_PAGES = 5;
/** Clocks of two machines differ. */
const CLOCKS_DIFFER_MS = 60_000;

const created = z.object({ data: z.object({ id: z.string() }) });
const me = z.object({ data: z.object({ id: z.string() }) });
const link = z.object({ url: z.string(), expanded_url: z.string() });
const listed = z.object({
  meta: z.object({ next_token: z.string().optional() }).default({}),
  data: z
    .array(
      z.object({
        id: z.string(),
        text: z.string(),
        created_at: z.string(),
        entities: z.object({ urls: z.array(link).default([]) }).optional(),
      }),
    )
    .default([]),
});

export default definePlugin({
  about: 'Posts to X, which takes money for each post.',
  settings: z.strictObject({
    server: z
      .url({ protocol: /^https?$/ })
      .default('https://api.x.com')
      .describe('The API.'),
    link: z
      .boolean()
      .default(false)
      .describe('true: addresses stay links. A post with a link costs 13 times one without.'),
    price: z
      .strictObject({ post: z.number().min(0), link: z.number().min(0) })
      .default({ post: 0.015, link: 0.2 })
      .describe('Dollars for a post without and with a link, for the result. Default: the list of November 2026.'),
    settle: duration()
      .default('10s')
      .describe('After an unclear end the post is looked up for so long before it is sent again.'),
    dryRun: drySetting(),
  }),
  input: post,
  limits: { memory: '64MB', timeout: '1m', attempts: 8 },
  needs: { net: ['settings.server'], secrets: ['X_API_KEY', 'X_API_SECRET', 'X_ACCESS_TOKEN', 'X_ACCESS_SECRET'] },
  async run(context) {
    const { settings, secrets, job, once, log, fetch, summary } = context;
    const text = textFor(job.input, settings.link);
    const cost = linksIn(text).length > 0 ? settings.price.link : settings.price.post;
    const url = new URL('/2/tweets', settings.server).href;
    if (context.dryRun || settings.dryRun) {
      const would = { ...shownRequest('POST', url, { text }), length: xLength(text), cost };
      summary(drySummary(would));
      return { dryRun: true, would };
    }
    const keys = {
      consumerKey: secrets.X_API_KEY,
      consumerSecret: secrets.X_API_SECRET,
      token: secrets.X_ACCESS_TOKEN,
      tokenSecret: secrets.X_ACCESS_SECRET,
    };
    const claims = createClaims(context);
    const begun = await once('begun', Date.now, { ifUnknown: 'repeat' });

    async function ask(path: string): Promise<unknown> {
      const to = new URL(path, settings.server).href;
      const init = { headers: { authorization: oauthHeader('GET', to, keys) } };
      return (await request(to, init, { fetch, network, serverError: 'failed' })).body;
    }
    async function ownPosts(since: number): Promise<OwnPost[]> {
      const { id } = me.parse(await ask('/2/users/me')).data;
      const from = new Date(since).toISOString();
      const query = `max_results=100&exclude=retweets,replies&tweet.fields=created_at,entities&start_time=${from}`;
      const posts: OwnPost[] = [];
      for (let page = 0, next = ''; page < MOST_PAGES; page++) {
        const { data, meta } = listed.parse(await ask(`/2/users/${id}/tweets?${query}${next}`));
        posts.push(...data.map((one) => ({ id: one.id, text: writtenText(one), at: Date.parse(one.created_at) })));
        if (meta.next_token === undefined) break;
        next = `&pagination_token=${meta.next_token}`;
      }
      return posts;
    }
    async function send(turn: number): Promise<{ id: string }> {
      const init = jsonInit({ text }, { authorization: oauthHeader('POST', url, keys) });
      const { status, body } = await request(url, init, { fetch, network, also: [403] });
      if (status < 300) return created.parse(body).data;
      const why = JSON.stringify(body);
      // X refuses a text that it has: after an unclear end that is our own.
      if (turn > 1 && /duplicate content/i.test(why)) throw new Unclear('X has a post with this text');
      throw new GiveUp(`X answered 403: ${why.slice(0, 300)}`);
    }
    const since = begun - CLOCKS_DIFFER_MS;
    const lookUp = async () => claims.find(await ownPosts(since), { text, since });
    const unclear = { is: 'lookUp', lookUp, settle: settings.settle } as const;
    const sent = await sendOnce<{ id: string }>({ once, log, send, unclear });
    await claims.claim(sent!.id);
    summary(`Posted for ${showMoney(cost)}.`);
    return { posted: true, id: sent!.id, length: xLength(text), cost };
  },
});

/** Without links the addresses stay readable, and X makes none of them. */
function textFor(given: Post, hasLinks: boolean): string {
  const text = callingNobody(plainOf(given));
  if (!hasLinks) return shortenBefore(linkless(text), undefined, { max: MOST, measure: xLength });
  return shortenBefore(text, given.url, { max: MOST, measure: xLength });
}

/** The text as it was written: X lists it with its own short links. */
function writtenText({ text, entities }: z.output<typeof listed>['data'][number]): string {
  const links = entities?.urls ?? [];
  return unescapeHtml(links.reduce((written, { url, expanded_url: meant }) => written.replaceAll(url, meant), text));
}
