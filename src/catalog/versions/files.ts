import { isAbsolute } from 'node:path';
import { pathInside } from '../../kernel/paths.ts';

/** The files of a version's folder. */
export const BUNDLE_FILE = 'plugin.mjs';
export const MAP_FILE = 'plugin.mjs.map';
export const MANIFEST_FILE = 'manifest.json';
/** The author's files as they were compiled, under their paths in the installation. */
export const SOURCE_FOLDER = 'source';

const OUTSIDE = '.outside';

/**
 * The path in `source/` under which a file of the author is kept; files outside of the installation have a folder of
 * their own.
 */
export function keptPathOf(folder: string, file: string): string {
  const path = pathInside(folder, file);
  return isAbsolute(path) ? `${OUTSIDE}${path}` : path;
}

/** The file that is kept under a path in `source/`, as people see it. */
export function shownPathOf(kept: string): string {
  return kept.startsWith(`${OUTSIDE}/`) ? kept.slice(OUTSIDE.length) : kept;
}
