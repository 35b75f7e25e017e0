import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Posts what is new in a feed.',
  schedule: '3-59/15 * * * *',
  settings: z.strictObject({
    url: z.url().default('https://news.example/feed.xml').describe('An RSS or Atom feed.'),
    channel: z.string().default('post-file').describe('The agent that posts.'),
    most: z.int().min(1).max(50).default(5).describe('Posts of one run, at most.'),
  }),
  limits: { memory: '96MB', timeout: '1m', attempts: 5, staleAfter: '1h' },
  needs: { net: ['settings.url'] },
  async run({ settings, fetch, state, send, summary }) {
    const etag = await state.get<string>('etag');
    const answer = await fetch(settings.url, { headers: etag ? { 'if-none-match': etag } : {} });
    if (answer.status === 304) return { posted: 0 };
    if (!answer.ok) throw new Error(`the feed answered ${answer.status}`);

    const entries = entriesOf(await answer.text());
    const known = await state.get<string[]>('seen');
    const seen = new Set(known ?? entries.map(({ id }) => id)); // the first run only remembers: nothing old is posted
    const fresh = entries.filter(({ id }) => !seen.has(id)).slice(0, settings.most);
    for (const { id, title, link } of fresh) {
      await send(settings.channel, { title, text: `${title} ${link}`.trim() }, { key: `feed:${id}` });
    }
    await state.set('seen', [...fresh.map(({ id }) => id), ...seen].slice(0, 1_000));
    // With more than one run can post, the same feed is looked at again.
    if (fresh.length < settings.most) await state.set('etag', answer.headers.get('etag') ?? '');
    summary(fresh.map(({ title, link }) => `- [${title}](${link})`).join('\n') || 'Nothing new.');
    return { posted: fresh.length };
  },
});

/** Enough of RSS and Atom for titles and links; a package such as `fast-xml-parser` is imported as usual. */
function entriesOf(xml: string) {
  return [...xml.matchAll(/<(item|entry)\b[\s\S]*?<\/\1>/g)].map(([entry]) => {
    const within = (tag: string) => new RegExp(`<${tag}\\b[^>]*>([\\s\\S]*?)</${tag}>`).exec(entry)?.[1];
    const text = (tag: string) => (within(tag) ?? '').replace(/^<!\[CDATA\[([\s\S]*)\]\]>$/, '$1').trim();
    const link = text('link') || (/<link\b[^>]*href="([^"]*)"/.exec(entry)?.[1] ?? '');
    return { id: text('guid') || text('id') || link, title: text('title'), link };
  });
}
