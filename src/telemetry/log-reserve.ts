import { randomBytes } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MB } from '../kernel/measures.ts';

/** A file that only takes space, so that there is some when the disk is full. */
interface LogReserve {
  /** The size of the reserve when the file is there, in bytes. */
  bytes: number;
  /** Gives the space back; returns the bytes. */
  free(): number;
  /** Makes the file where it is missing and ten times its size is free. Never rejects. */
  make(): Promise<void>;
}

const MOST_BYTES = 8 * MB;
/** Parts of the byte budget of all log files that the reserve may be. */
const PARTS = 32;
const FREE_FOR_IT = 10;

/** The reserve in the folder of the log, which counts within the log's budget. */
export function createLogReserve(folder: string, budgetBytes: number): LogReserve {
  const path = join(folder, '.reserve');
  const bytes = Math.floor(Math.min(MOST_BYTES, budgetBytes / PARTS));

  return {
    bytes,
    free() {
      const held = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      rmSync(path, { force: true });
      return held;
    },
    async make() {
      try {
        if (statSync(path, { throwIfNoEntry: false })) return;
        const { bavail, bsize } = await statfs(folder);
        if (bavail * bsize < FREE_FOR_IT * bytes) return;
        // Zeros would take no space on a disk that compresses.
        await writeFile(`${path}.tmp`, randomBytes(bytes), { mode: 0o600 });
        await rename(`${path}.tmp`, path);
      } catch {
        // A disk that has no room for it gets it later.
        await rm(`${path}.tmp`, { force: true }).catch(() => {});
      }
    },
  };
}
