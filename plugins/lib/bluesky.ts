import { createHash } from 'node:crypto';
import type { Post } from './post.ts';
import { plainOf } from './post.ts';
import { bytes, characters, linksIn, shorten } from './shorten.ts';

const MOST_CHARACTERS = 300;
const MOST_BYTES = 3_000;
/** The alphabet of a TID: it sorts as the numbers do. */
const DIGITS = '234567abcdefghijklmnopqrstuvwxyz';

/** The record of a post. The same job makes the same record, `at` (epoch ms) included. */
export function blueskyRecord(given: Post, { at, languages }: { at: number; languages: string[] }) {
  // Both limits at once: characters as people count them, and bytes, of which an emoji of a family has 25.
  const fill = (text: string) => Math.max(characters(text) / MOST_CHARACTERS, bytes(text) / MOST_BYTES);
  const text = shorten(plainOf(given), 1, fill);
  const facets = linksIn(text).map(({ at: start, url }) => {
    const byteStart = bytes(text.slice(0, start));
    return {
      index: { byteStart, byteEnd: byteStart + bytes(url) },
      features: [{ $type: 'app.bsky.richtext.facet#link', uri: url }],
    };
  });
  const { url } = given;
  const external = url && { uri: url, title: given.title ?? new URL(url).host, description: '' };
  return {
    $type: 'app.bsky.feed.post',
    text,
    createdAt: new Date(at).toISOString(),
    ...(languages.length > 0 && { langs: languages }),
    ...(facets.length > 0 && { facets }),
    // A link beside the text takes nothing of its length.
    ...(external && { embed: { $type: 'app.bsky.embed.external', external } }),
  };
}

/**
 * A record key in the form of a TID (53 bits of microseconds, 10 of a clock) that is always the same for the job: posts with keys of another form are
 * stored, and are not shown in feeds.
 */
export function tidOf(job: string, at: number): string {
  const hash = createHash('sha256').update(job).digest();
  const micros = BigInt(at) * 1_000n + BigInt(hash.readUInt16BE(0) % 1_000);
  let rest = (micros << 10n) | BigInt(hash.readUInt16BE(2) % 1_024);
  let text = '';
  for (let digit = 0; digit < 13; digit++) {
    text = DIGITS[Number(rest & 31n)] + text;
    rest >>= 5n;
  }
  return text;
}
