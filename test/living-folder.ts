import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A file of a folder that another process, or a task of this one, still writes in. */
export type LivingFile = {
  /** Relative to the folder. */
  path: string;
  bytes: number;
  /** The content; empty when the file has gone since. */
  content(): Buffer;
};

const unlessGone = <Value>(read: () => Value): Value | undefined => {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** Lists the files of a folder, at all depths, without those that were renamed or deleted between the listing and the look at each of them. */
export const livingFiles = (folder: string): LivingFile[] =>
  (unlessGone(() => readdirSync(folder, { recursive: true, encoding: 'utf8' })) ?? []).flatMap((path) => {
    const full = join(folder, path);
    const stats = statSync(full, { throwIfNoEntry: false });
    return stats?.isFile()
      ? [{ path, bytes: stats.size, content: () => unlessGone(() => readFileSync(full)) ?? Buffer.alloc(0) }]
      : [];
  });

/** The bytes of all files of such a folder. */
export const bytesOfLivingFiles = (folder: string) => livingFiles(folder).reduce((sum, { bytes }) => sum + bytes, 0);
