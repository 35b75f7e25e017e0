import { definePlugin, GiveUp, RetryLater, z } from 'daruma';
import { sendOnce, Unclear } from './lib/never-twice.ts';
import { drySetting, drySummary, type Post, plainOf, post, shownRequest } from './lib/post.ts';
import { jsonInit, request } from './lib/post-request.ts';
import { clip, oneLine } from './lib/text.ts';
import { duration } from './lib/units.ts';

const network = 'dev.to';
const MOST_TITLE = 128;
/** Of 100 articles each, the newest first. */
const MOST_PAGES = 3;

const article = z.object({ id: z.number(), url: z.string().optional(), published: z.boolean().optional() });
const articles = z.array(article.extend({ body_markdown: z.string().default('') }));

export default definePlugin({
  about: 'Writes an article on dev.to, as a draft unless you say otherwise.',
  settings: z.strictObject({
    server: z
      .url({ protocol: /^https?$/ })
      .default('https://dev.to')
      .describe('The site: dev.to, or another one that runs Forem.'),
    publish: z
      .boolean()
      .default(false)
      .describe('true: the article is published at once. Default: a draft that a person publishes.'),
    tags: z
      .array(z.string().regex(/^[a-z0-9]{1,30}$/, 'must be lower-case letters and digits'))
      .max(4)
      .default([])
      .describe('Tags of the articles, four at most.'),
    settle: duration()
      .default('10s')
      .describe('After an unclear end the article is looked up for so long before it is sent again.'),
    dryRun: drySetting(),
  }),
  input: post,
  limits: { memory: '64MB', timeout: '1m', attempts: 8 },
  needs: { net: ['settings.server'], secrets: ['DEVTO_API_KEY'] },
  async run({ settings, dryRun, secrets, job, once, log, fetch, summary }) {
    // The mark is in the source of the article, and readers do not see it.
    const mark = `<!-- daruma job ${job.id} -->`;
    const body = { article: { ...articleOf(job.input, mark), published: settings.publish, tags: settings.tags } };
    const url = new URL('/api/articles', settings.server).href;
    if (dryRun || settings.dryRun) {
      const would = shownRequest('POST', url, body);
      summary(drySummary(would));
      return { dryRun: true, would };
    }
    const headers = {
      'api-key': secrets.DEVTO_API_KEY,
      accept: 'application/vnd.forem.api-v1+json',
      'user-agent': 'daruma',
    };

    async function send(turn: number) {
      const answer = await request(url, jsonInit(body, headers), { fetch, network, also: [422] });
      if (answer.status < 300) return article.parse(answer.body);
      const why = JSON.stringify(answer.body).slice(0, 300);
      if (!/already been used/i.test(why)) throw new GiveUp(`dev.to answered 422: ${why}`);
      // The same title within five minutes is refused: after an unclear end it is our own.
      if (turn > 1) throw new Unclear('dev.to has an article with this title');
      throw new RetryLater(`dev.to answered 422: ${why}`, { after: '5m' });
    }
    async function lookUp() {
      for (let page = 1; page <= MOST_PAGES; page++) {
        const all = new URL(`/api/articles/me/all?per_page=100&page=${page}`, settings.server).href;
        const answer = await request(all, { headers }, { fetch, network, serverError: 'failed' });
        const listed = articles.parse(answer.body);
        const found = listed.find((one) => one.body_markdown.includes(mark));
        if (found) return article.parse(found);
        if (listed.length < 100) break;
      }
      return null;
    }
    const unclear = { is: 'lookUp', lookUp, settle: settings.settle } as const;
    const sent = await sendOnce({ once, log, send, unclear });
    return { posted: true, id: sent!.id, url: sent!.url ?? null, draft: !settings.publish };
  },
});

function articleOf(given: Post, mark: string) {
  const parts = [given.markdown ?? given.text, given.url && `Read on: <${given.url}>`, mark];
  return {
    title: clip(oneLine(given.title ?? plainOf(given)), MOST_TITLE),
    body_markdown: parts.filter(Boolean).join('\n\n'),
    ...(given.image && { main_image: given.image }),
  };
}
