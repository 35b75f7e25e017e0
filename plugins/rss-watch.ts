import { definePlugin, z } from 'daruma';
import { clip, escapeMarkdown, oneLine } from './lib/text.ts';
import { duration, msOf, showMany } from './lib/units.ts';

/** Entries that are remembered as known. */
const MOST_KNOWN = 2_000;

interface Remembered {
  etag: string | null;
  modified: string | null;
  known: string[];
}

export default definePlugin({
  about: 'Posts what is new in a feed: RSS, Atom or JSON Feed.',
  settings: z.strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .default('https://nodejs.org/en/feed/blog.xml')
      .describe('The feed.'),
    channels: z.array(z.string().min(1)).default(['post-file']).describe('Channel agents that get each new entry.'),
    topic: z.string().min(1).optional().describe('An event of this topic for each new entry, too.'),
    match: z.string().optional().describe('A regular expression; only entries whose title or text it finds are told.'),
    most: z
      .int()
      .min(1)
      .max(50)
      .default(10)
      .describe('New entries of one run, oldest first; the next run has the rest.'),
    timeout: duration().default('30s').describe('The longest that the server may take to answer.'),
  }),
  limits: { memory: '96MB', timeout: '2m', attempts: 4, backoff: { first: '10s', longest: '2m' }, staleAfter: '2h' },
  needs: { net: ['settings.url'] },
  async run({ settings, fetch, state, send, emit, summary }) {
    const before = await state.get<Remembered>(settings.url);
    const answer = await fetch(settings.url, { timeout: `${msOf(settings.timeout)}ms`, headers: askedIf(before) });
    if (answer.status === 304) return { new: 0, changed: false };
    if (!answer.ok) throw new Error(`the feed answered ${answer.status}`);
    // The parser is loaded when a feed has changed, and never in the host.
    const { readFeed } = await import('./lib/feed.ts');
    const feed = readFeed(await answer.text(), settings.url);
    if (feed === null) throw new Error(`${settings.url} is no feed: neither RSS, nor Atom, nor JSON Feed`);

    const known = new Set(before?.known ?? feed.entries.map(({ id }) => id)); // the first run only remembers
    const fresh = feed.entries.filter(({ id }) => !known.has(id)).reverse();
    const wanted = settings.match === undefined ? /(?:)/ : new RegExp(settings.match, 'iu');
    const told = fresh.slice(0, settings.most);
    const fits = told.filter(({ title, text }) => wanted.test(`${title}\n${text}`));
    for (const { id, title, text, url } of fits) {
      const post = {
        title: clip(title, 200),
        text: text === '' ? title : clip(oneLine(text), 400),
        ...(url && { url }),
      };
      for (const channel of settings.channels) await send(channel, post, { key: `feed:${settings.url}:${id}` });
      if (settings.topic !== undefined) await emit(settings.topic, { feed: settings.url, id, title, url: url ?? null });
    }
    // The rest is told by the next run, which has to see the feed again.
    const isAll = told.length === fresh.length;
    await state.set(settings.url, {
      etag: isAll ? answer.headers.get('etag') : null,
      modified: isAll ? answer.headers.get('last-modified') : null,
      known: [...new Set([...told.map(({ id }) => id), ...known])].slice(0, MOST_KNOWN),
    } satisfies Remembered);
    const lines = fits.map(
      ({ title, url }) => `- ${url ? `[${escapeMarkdown(title)}](${url})` : escapeMarkdown(title)}`,
    );
    const first =
      before === undefined ? `${showMany(known.size, 'entry', 'entries')} remembered, none told.` : 'Nothing new.';
    summary([`**${escapeMarkdown(feed.title)}**`, '', ...(lines.length > 0 ? lines : [first])].join('\n'));
    return { new: fits.length, left: fresh.length - told.length, changed: true };
  },
});

function askedIf(before: Remembered | undefined): Record<string, string> {
  return {
    accept: 'application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5',
    ...(before?.etag && { 'if-none-match': before.etag }),
    ...(before?.modified && { 'if-modified-since': before.modified }),
  };
}
