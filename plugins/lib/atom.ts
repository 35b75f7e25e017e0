import { createHash } from 'node:crypto';
import { type Post, plainOf } from './post.ts';
import { clip, escapeHtml, oneLine } from './text.ts';

/** The head of a feed. `id` names it for ever. */
export interface FeedHead {
  id: string;
  title: string;
  /** The page that the feed belongs to. */
  link: string | undefined;
  author: string;
}

const ENTRY = /<entry>[\s\S]*?<\/entry>\n?/g;

/** A name for ever (`urn:uuid:…`) that is always the same for the same text. */
export function urnOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${parts.join('-')}`;
}

/** The entry of a post. */
export function atomEntry(given: Post, { id, at }: { id: string; at: string }): string {
  const title = clip(oneLine(given.title ?? plainOf(given)), 120);
  const links = [
    given.url && `<link rel="alternate" href="${escapeHtml(given.url)}"/>`,
    given.image && `<link rel="enclosure" href="${escapeHtml(given.image)}"/>`,
  ].filter(Boolean);
  const lines = [
    `<id>${id}</id>`,
    `<title>${escapeHtml(title)}</title>`,
    `<updated>${at}</updated>`,
    `<published>${at}</published>`,
    ...links,
    ...(given.level ? [`<category term="${given.level}"/>`] : []),
    `<content type="text">${escapeHtml(given.markdown ?? given.text)}</content>`,
  ];
  return `<entry>\n${lines.map((line) => `  ${line}`).join('\n')}\n</entry>\n`;
}

/** The feed with the entry as its first, and at most `most` entries; null when an entry of this id is there. */
export function withEntry(
  feed: string,
  entry: { id: string; text: string; at: string },
  head: FeedHead & { most: number },
) {
  if (feed.includes(`<id>${entry.id}</id>`)) return null;
  const entries = [entry.text, ...(feed.match(ENTRY) ?? [])].slice(0, head.most);
  const lines = [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    `<id>${head.id}</id>`,
    `<title>${escapeHtml(head.title)}</title>`,
    `<author><name>${escapeHtml(head.author)}</name></author>`,
    `<updated>${entry.at}</updated>`,
    ...(head.link ? [`<link href="${escapeHtml(head.link)}"/>`] : []),
  ];
  return `${lines.join('\n')}\n${entries.join('')}</feed>\n`;
}

/** The id of a feed that is there. */
export function feedIdIn(feed: string): string | undefined {
  return /<feed[^>]*>\s*<id>([^<]+)<\/id>/.exec(feed)?.[1];
}
