import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { COMPRESSED } from '../kernel/log-names.ts';
import { type FrameSizes, packFrameTable } from '../kernel/zstd-frames.ts';

/** The text of a frame: a reader that looks for a line decompresses that much. */
const FRAME_BYTES = 512 * 1024;
/** The text of the first frame: a search by time reads the first line of each file. */
const FIRST_FRAME_BYTES = 8 * 1024;

const compress = promisify(zstdCompress);
/** Without check sums a damaged frame is read as other lines. */
const CHECKED = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

/**
 * Compresses a log file that is written no more: `<file>.zst` takes its place, with its time and mode. Other threads do the
 * work, a piece at a time. A process that is killed meanwhile leaves the file as it was, or both; `isOver` ends it between two
 * pieces. Resolves with the bytes of the new file, undefined where it was ended; rejects with the system's error.
 */
export async function compressLogFile(path: string, isOver: () => boolean): Promise<number | undefined> {
  const unfinished = `${path}${COMPRESSED}.tmp`;
  try {
    const from = await open(path, 'r');
    try {
      const { mtime, atime } = await from.stat();
      const to = await open(unfinished, 'w', 0o600);
      try {
        if (!(await writeFrames(from, to, isOver))) return undefined;
        await to.utimes(atime, mtime);
        // The old file goes for good: the new one must be on the disk before.
        await to.sync();
      } finally {
        await to.close();
      }
    } finally {
      await from.close();
    }
    await rename(unfinished, path + COMPRESSED);
    await rm(path, { force: true });
    return (await stat(path + COMPRESSED)).size;
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** False where it was ended. */
async function writeFrames(from: FileHandle, to: FileHandle, isOver: () => boolean): Promise<boolean> {
  const frames: FrameSizes[] = [];
  const piece = Buffer.allocUnsafe(FRAME_BYTES);
  for (let at = 0; ; ) {
    if (isOver()) return false;
    const { bytesRead } = await from.read(piece, 0, at === 0 ? FIRST_FRAME_BYTES : FRAME_BYTES, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const packed = await compress(piece.subarray(0, bytesRead), CHECKED);
    await to.appendFile(packed);
    frames.push({ packed: packed.length, plain: bytesRead });
  }
  await to.appendFile(packFrameTable(frames));
  return true;
}
