import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guideText } from './guide-text.ts';
import { ownPackage } from './own-package.ts';

/** The file that tells assistants and authors how to write a plugin. */
const GUIDE_FILE = 'AGENTS.md';
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

/** Renews AGENTS.md of an installation that has one. A start never fails of it: a file that cannot be read or written stays as it is. */
export function keepGuide(folder: string): void {
  const file = join(folder, GUIDE_FILE);
  try {
    const stats = lstatSync(file);
    if (!stats.isFile()) return;
    const renewed = renewedGuide(readFileSync(file, 'utf8'), guideText(ownPackage().facts.contract));
    if (renewed === undefined) return;
    writeFileSync(`${file}.new`, renewed, { mode: stats.mode & 0o777 });
    renameSync(`${file}.new`, file);
  } catch {
    // No such file, or no right to write it.
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
