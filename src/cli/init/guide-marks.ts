import { createHash } from 'node:crypto';

const BEGIN =
  /^<!-- Daruma wrote what follows, up to its last mark \(sha256 ([0-9a-f]{16})\)[^\n]*-->\n([\s\S]*?)\n<!-- Here ends what Daruma wrote\. -->$/m;

/** The guide between its marks. The first mark holds the hash of what follows, so that a change of a person is seen. */
export function markedGuide(text: string): string {
  const body = text.trimEnd();
  return `<!-- Daruma wrote what follows, up to its last mark (sha256 ${hashOf(body)}). A newer Daruma replaces it at its start, unless it was changed. Write your own below. -->
${body}
<!-- Here ends what Daruma wrote. -->
`;
}

/**
 * A kept guide with the part of Daruma made anew, all else as it is; undefined: the file stays as it is, because the part is the newest
 * already, was changed by a person, or has no marks.
 */
export function renewedGuide(kept: string, text: string): string | undefined {
  const found = BEGIN.exec(kept);
  if (!found || hashOf(found[2]!) !== found[1]) return undefined;
  const fresh = markedGuide(text).trimEnd();
  if (found[0] === fresh) return undefined;
  return kept.slice(0, found.index) + fresh + kept.slice(found.index + found[0].length);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
