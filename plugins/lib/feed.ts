import { z } from 'daruma';
import { parseFeed } from 'htmlparser2';
import { oneLine } from './text.ts';

/** An entry as the feed has it, in plain text. */
export interface FeedEntry {
  /** The id that the feed gives it; else its address, else its title. */
  id: string;
  title: string;
  text: string;
  url: string | null;
}

export interface ReadFeed {
  title: string;
  /** Newest first, as feeds have it. */
  entries: FeedEntry[];
}

/** The part of JSON Feed (1.0 and 1.1) that is told. */
const jsonFeed = z.object({
  version: z.string().startsWith('https://jsonfeed.org/version/'),
  title: z.string().default(''),
  items: z.array(
    z.object({
      id: z.union([z.string(), z.number()]).optional(),
      url: z.string().optional(),
      title: z.string().optional(),
      summary: z.string().optional(),
      content_text: z.string().optional(),
      content_html: z.string().optional(),
    }),
  ),
});

/** Reads RSS 0.9 to 2.0, Atom and JSON Feed, also where their XML is not well-formed; null for anything else. `from`: where relative links lead. */
export function readFeed(text: string, from: string): ReadFeed | null {
  return /^\s*\{/.test(text) ? readJsonFeed(text, from) : readXmlFeed(text, from);
}

function readXmlFeed(text: string, from: string): ReadFeed | null {
  const feed = parseFeed(text);
  if (feed === null) return null;
  const entries = feed.items.map(({ id, title, link, description }) =>
    entryOf({ id, title, url: link, text: description }, from),
  );
  return { title: plainText(feed.title ?? from), entries };
}

function readJsonFeed(text: string, from: string): ReadFeed | null {
  const read = jsonFeed.safeParse(jsonOf(text));
  if (!read.success) return null;
  const entries = read.data.items.map(({ id, title, url, summary, content_text: plain, content_html: html }) =>
    entryOf({ id: id === undefined ? undefined : String(id), title, url, text: summary ?? plain ?? html }, from),
  );
  return { title: plainText(read.data.title || from), entries };
}

type Given = Record<'id' | 'title' | 'url' | 'text', string | undefined>;

function entryOf({ id, title, url, text }: Given, from: string): FeedEntry {
  const body = plainText(text ?? '');
  const link = url !== undefined && URL.canParse(url.trim(), from) ? new URL(url.trim(), from) : null;
  // A link in a stranger's feed may be a script.
  const safe = link !== null && /^https?:$/.test(link.protocol) ? link.href : null;
  const heading = plainText(title ?? '') || body.slice(0, 80) || safe || 'Untitled';
  return { id: (id ?? safe ?? heading).trim().slice(0, 500), title: heading, text: body, url: safe };
}

/** HTML as plain text on one line: tags go, entities are read. */
function plainText(html: string): string {
  return oneLine(decode(html.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')));
}

const NAMED: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  hellip: '…',
  ndash: '–',
  mdash: '—',
};

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]+));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? all;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : all;
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
