import { definePlugin, GiveUp, z } from 'daruma';
import { textOfHtml } from './lib/html-text.ts';
import { createClaims, type OwnPost, sendOnce } from './lib/never-twice.ts';
import { drySetting, drySummary, plainOf, post, shownRequest } from './lib/post.ts';
import { jsonInit, request } from './lib/post-request.ts';
import { callingNobody, mastodonLength, shortenBefore } from './lib/shorten.ts';
import { duration } from './lib/units.ts';

const network = 'Mastodon';
/** Clocks of two machines differ. */
const CLOCKS_DIFFER_MS = 60_000;
/** Mastodon forgets a key after an hour. */
const KEY_HOLDS_MS = 50 * 60_000;
/** Of 40 posts each. */
const MOST_PAGES = 10;

const status = z.object({ id: z.string(), url: z.string().nullish() });
const account = z.object({ id: z.string() });
const statuses = z.array(z.object({ id: z.string(), created_at: z.string(), content: z.string() }));

export default definePlugin({
  about: 'Posts to Mastodon, and to servers that speak its API.',
  settings: z.strictObject({
    server: z
      .url({ protocol: /^https?$/ })
      .default('https://mastodon.social')
      .describe('The server of the account.'),
    visibility: z.enum(['public', 'unlisted', 'private', 'direct']).default('public').describe('Who sees the post.'),
    language: z
      .string()
      .regex(/^[a-z]{2,3}$/, 'must be a code such as en')
      .optional()
      .describe('The language of the posts. Default: that of the account.'),
    most: z.int().min(50).max(100_000).default(500).describe('The longest post that the server takes.'),
    settle: duration()
      .default('5s')
      .describe('After an unclear end the post is looked up for so long before it is sent again.'),
    dryRun: drySetting(),
  }),
  input: post,
  limits: { memory: '64MB', timeout: '1m', attempts: 8 },
  needs: { net: ['settings.server'], secrets: ['MASTODON_TOKEN'] },
  async run(context) {
    const { settings, secrets, job, once, log, fetch, summary } = context;
    const text = callingNobody(plainOf(job.input));
    const body = {
      status: shortenBefore(text, job.input.url, { max: settings.most, measure: mastodonLength }),
      visibility: settings.visibility,
      ...(settings.language && { language: settings.language }),
    };
    const url = new URL('/api/v1/statuses', settings.server).href;
    if (context.dryRun || settings.dryRun) {
      const would = shownRequest('POST', url, body);
      summary(drySummary(would));
      return { dryRun: true, would };
    }
    const authorization = `Bearer ${secrets.MASTODON_TOKEN}`;
    const claims = createClaims(context);
    const begun = await once('begun', Date.now, { ifUnknown: 'repeat' });

    async function ask(path: string): Promise<unknown> {
      const asked = { fetch, network, serverError: 'failed' } as const;
      return (await request(new URL(path, settings.server).href, { headers: { authorization } }, asked)).body;
    }
    async function ownPosts(since: number): Promise<OwnPost[]> {
      const { id } = account.parse(await ask('/api/v1/accounts/verify_credentials'));
      const posts = new Map<string, OwnPost>();
      for (let page = 0, before = ''; page < MOST_PAGES; page++) {
        const listed = statuses.parse(
          await ask(`/api/v1/accounts/${id}/statuses?limit=40&exclude_reblogs=true${before}`),
        );
        const known = posts.size;
        for (const one of listed) {
          posts.set(one.id, { id: one.id, text: textOfHtml(one.content), at: Date.parse(one.created_at) });
        }
        const last = listed.at(-1);
        // Nothing new on a page: a server that has no pages.
        if (last === undefined || posts.size === known || Date.parse(last.created_at) < since) break;
        before = `&max_id=${last.id}`;
      }
      return [...posts.values()];
    }
    async function lookUp() {
      try {
        const since = begun - CLOCKS_DIFFER_MS;
        return await claims.find(await ownPosts(since), { text: body.status, since });
      } catch (error) {
        // A token that may only write: the key alone has to do.
        if (!(error instanceof GiveUp) || Date.now() - begun > KEY_HOLDS_MS) throw error;
        log.warn('the token may not read, so that nothing can be looked up: give it read:accounts and read:statuses');
        return null;
      }
    }
    const sent = await sendOnce<{ id: string; url?: string | null | undefined }>({
      once,
      log,
      async send() {
        const init = jsonInit(body, { authorization, 'idempotency-key': job.id });
        return status.parse((await request(url, init, { fetch, network })).body);
      },
      unclear: { is: 'lookUp', lookUp, settle: settings.settle },
    });
    await claims.claim(sent!.id);
    return { posted: true, id: sent!.id, url: sent!.url ?? null };
  },
});
