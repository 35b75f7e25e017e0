import { readlinkSync, realpathSync } from 'node:fs';

/** Where a path leads with every link on the way followed; the path itself where no file is, or where it may not be read. */
export function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The target of a link as it is written; undefined for all else, and where it may not be read. */
export function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
