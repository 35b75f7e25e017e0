/**
 * The seekable format of zstd: a file of frames that are each compressed by themselves, and a table of their sizes at its
 * end, in a frame that other readers skip. `zstd -d` reads such a file as any other.
 */
export interface FrameSizes {
  /** Bytes in the file. */
  packed: number;
  /** Bytes of the text. */
  plain: number;
}

const SKIPPED_FRAME = 0x184d2a5e;
const TABLE = 0x8f92eab1;
const HEAD_BYTES = 8;
const ENTRY_BYTES = 8;
/** Bytes at the end of a file that say how long its table is. */
export const TABLE_END_BYTES = 9;

/** The table of frames, in the order of the file. */
export function packFrameTable(frames: readonly FrameSizes[]): Buffer {
  const size = frames.length * ENTRY_BYTES + TABLE_END_BYTES;
  const bytes = Buffer.alloc(HEAD_BYTES + size);
  bytes.writeUInt32LE(SKIPPED_FRAME, 0);
  bytes.writeUInt32LE(size, 4);
  for (const [index, { packed, plain }] of frames.entries()) {
    bytes.writeUInt32LE(packed, HEAD_BYTES + index * ENTRY_BYTES);
    bytes.writeUInt32LE(plain, HEAD_BYTES + index * ENTRY_BYTES + 4);
  }
  bytes.writeUInt32LE(frames.length, bytes.length - TABLE_END_BYTES);
  bytes.writeUInt32LE(TABLE, bytes.length - 4);
  return bytes;
}

/** The bytes of the table with its head, by the last {@link TABLE_END_BYTES} of a file; undefined for a file without such a table. */
export function frameTableBytes(end: Buffer): number | undefined {
  if (end.length < TABLE_END_BYTES) return undefined;
  const from = end.length - TABLE_END_BYTES;
  // The byte between the count and the sign says that the table holds no check sums.
  if (end.readUInt32LE(from + 5) !== TABLE || end[from + 4] !== 0) return undefined;
  return HEAD_BYTES + end.readUInt32LE(from) * ENTRY_BYTES + TABLE_END_BYTES;
}

/** The frames of a whole table; undefined where the bytes are no table. */
export function unpackFrameTable(bytes: Buffer): FrameSizes[] | undefined {
  if (frameTableBytes(bytes) !== bytes.length || bytes.readUInt32LE(0) !== SKIPPED_FRAME) return undefined;
  const frames: FrameSizes[] = [];
  for (let at = HEAD_BYTES; at < bytes.length - TABLE_END_BYTES; at += ENTRY_BYTES)
    frames.push({ packed: bytes.readUInt32LE(at), plain: bytes.readUInt32LE(at + 4) });
  return frames;
}
