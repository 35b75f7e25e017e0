const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** How long a text is by the rule of a network. */
export type Measure = (text: string) => number;

/** A web address as networks recognise it. The signs that end a sentence do not belong to it. */
const ADDRESS = /https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]}…]/giu;
/** Links count as many characters as the shortener of X makes of them; Mastodon took the same number over. */
const LINK = 23;

/** UTF-16 units, as Discord and Telegram count at most. */
export const units: Measure = (text) => text.length;

/** Bytes of UTF-8. */
export const bytes: Measure = (text) => Buffer.byteLength(text);

/** Characters as people count them. */
export const characters: Measure = (text) => [...graphemes.segment(text)].length;

/** Mastodon: characters as people count them, links as 23, of `@somebody@elsewhere` the part before the second `@`. */
export const mastodonLength: Measure = (text) => {
  const { rest, links } = withoutLinks(text);
  return characters(rest.replace(/(@[\w.-]+)@[\w.-]+\w/g, '$1')) + links * LINK;
};

/** X: links as 23, Latin and its like as 1, all other characters and each emoji as 2, after composing (NFC). */
export const xLength: Measure = (text) => {
  const { rest, links } = withoutLinks(text.normalize('NFC'));
  let length = links * LINK;
  for (const { segment } of graphemes.segment(rest)) {
    if (/\p{RGI_Emoji}/v.test(segment)) length += 2;
    else for (const sign of segment) length += isLight(sign.codePointAt(0)!) ? 1 : 2;
  }
  return length;
};

/** Shortens a text to `max` by the network's measure: after a word, with `…` where something was left out. */
export function shorten(text: string, max: number, measure: Measure): string {
  if (measure(text) <= max) return text;
  const cut = longest([...text.matchAll(/\S(?=\s)/gu)].map(({ index }) => index + 1));
  // A first word that is longer than everything is cut between two characters.
  return cut ?? longest([...graphemes.segment(text)].map(({ index }) => index)) ?? '';

  /** The longest beginning that fits, of those that end at these places. */
  function longest(places: number[]): string | undefined {
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (measure(cutAt(places[middle]!)) <= max) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : cutAt(places[low - 1]!);
  }
  function cutAt(place: number): string {
    return `${text.slice(0, place).replace(/[\s.,;:–-]+$/u, '')}…`;
  }
}

/** `text`, shortened, and behind it `tail`, which stays whole: a link. */
export function shortenBefore(
  text: string,
  tail: string | undefined,
  { max, measure }: { max: number; measure: Measure },
) {
  if (tail === undefined) return shorten(text, max, measure);
  const gap = '\n\n';
  return `${shorten(text, max - measure(`${gap}${tail}`), measure)}${gap}${tail}`;
}

/** The addresses in a text, in order. */
export function linksIn(text: string): { at: number; url: string }[] {
  return [...text.matchAll(ADDRESS)].map((match) => ({ at: match.index, url: match[0] }));
}

/** A text in which `@word` names nobody: an invisible space stands behind the sign, so that no stranger is called. */
export function callingNobody(text: string): string {
  return text.replace(/@(?=\w)/g, '@\u200b');
}

function withoutLinks(text: string): { rest: string; links: number } {
  const links = linksIn(text).length;
  return { rest: links === 0 ? text : text.replace(ADDRESS, ''), links };
}

/** The ranges that X counts as 1. */
function isLight(code: number): boolean {
  return (
    code <= 4_351 ||
    (code >= 8_192 && code <= 8_205) ||
    (code >= 8_208 && code <= 8_223) ||
    (code >= 8_242 && code <= 8_247)
  );
}
