import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/**
 * A worker may not call fsync (the permission model denies it on every file), so files that must outlive a power cut
 * are opened with O_DSYNC: each write returns only when its bytes are on disk.
 */
const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC;

/** Opens a new file whose every write is on disk when it returns; a file of that name is an error. Readable by the owner only. */
export function createSynced(file: string): Promise<FileHandle> {
  return open(file, FRESH | constants.O_EXCL, 0o600);
}

/** Writes a file all or nothing: a reader, and a crash, find the old content or the new one. */
export async function writeWhole(file: string, content: string): Promise<void> {
  const fresh = await open(`${file}.new`, FRESH | constants.O_TRUNC);
  try {
    await fresh.writeFile(content);
  } finally {
    await fresh.close();
  }
  await rename(`${file}.new`, file);
}

/** Does the work, and says so each second in which the file that it makes has grown: the sign of progress of work that cannot tell. */
export async function whileGrowing<T>(file: string, grew: (bytes: number) => void, work: () => Promise<T>): Promise<T> {
  let last = 0;
  const watch = setInterval(async () => {
    const bytes = await stat(file).then(
      (facts) => facts.size,
      () => 0, // not there yet
    );
    if (bytes > last) grew(bytes);
    last = Math.max(last, bytes);
  }, 1_000);
  try {
    return await work();
  } finally {
    clearInterval(watch);
  }
}

/** The SHA-256 of a file's content, in hex. */
export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
