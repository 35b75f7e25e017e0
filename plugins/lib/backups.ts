import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from './files.ts';

export interface Backup {
  name: string;
  bytes: number;
}

/** Which backups go: all but the newest `keep`, and of those the oldest that do not fit in `budget` bytes. The newest never goes. */
export function surplus<B extends Backup>(backups: readonly B[], keep: number, budget: number): B[] {
  const newestFirst = backups.toSorted((a, b) => (a.name < b.name ? 1 : -1)); // names carry the time
  let bytes = 0;
  return newestFirst.filter((backup, place) => {
    bytes += backup.bytes;
    return place > 0 && (place >= keep || bytes > budget);
  });
}

/** Says of which archives the command line need not doubt: when each was read back, and how many bytes it had. */
const VERIFIED = 'verified.json';

/** Writes down that one was read back; what is said of archives that are gone goes. */
export async function noteVerified(
  folder: string,
  now: Backup & { at: string },
  names: readonly string[],
): Promise<void> {
  const file = join(folder, VERIFIED);
  const known = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Record<string, unknown>,
    () => ({}),
  );
  const left = Object.entries(known).filter(([name]) => names.includes(name));
  const all = { ...Object.fromEntries(left), [now.name]: { at: now.at, bytes: now.bytes } };
  await writeWhole(file, JSON.stringify(all));
}
