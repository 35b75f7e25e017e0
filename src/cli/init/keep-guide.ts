import { lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renewedGuide } from './guide-marks.ts';
import { guideText } from './guide-text.ts';
import { ownPackage } from './own-package.ts';

/** The file that tells assistants and authors how to write a plugin. */
const GUIDE_FILE = 'AGENTS.md';
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
