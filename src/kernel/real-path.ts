import { realpathSync } from 'node:fs';

/** Where a path leads with every link on the way followed; the path itself where nothing is, or nobody may look. */
export function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
