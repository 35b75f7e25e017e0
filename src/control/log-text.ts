import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { COMPRESSED, plainLogName } from '../kernel/log-names.ts';
import { MB } from '../kernel/measures.ts';
import { frameTableBytes, TABLE_END_BYTES, unpackFrameTable } from '../kernel/zstd-frames.ts';

/** The text of a log file that is open, compressed or not. */
export interface LogText {
  /** Of the text, as of the opening. */
  bytes: number;
  /** Up to `size` bytes of the text from a place on, fewer at its end. A part that is damaged is read as empty lines. */
  read(from: number, size: number): Buffer;
  close(): void;
}

/** A frame in the file. Places and sizes in bytes, `at` in the file and `from` in the text. */
interface Frame {
  at: number;
  packed: number;
  from: number;
  plain: number;
}

const NEWLINE = 0x0a;
/** A frame that says that it holds more was not written here. */
const LARGEST_FRAME = 64 * MB;
const LONGEST_TABLE = 64 * MB;

/** Opens a log file; undefined for a file that is gone or cannot be read. A file that is compressed meanwhile is found under its other name. */
export function openLogText(path: string): LogText | undefined {
  const names = path.endsWith(COMPRESSED) ? [path] : [path, path + COMPRESSED];
  for (const name of names) {
    const file = opened(name);
    if (file === undefined) continue;
    const text = name === plainLogName(name) ? plainText(file) : compressedText(file);
    if (text) return text;
    closeSync(file);
  }
  return undefined;
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

function plainText(file: number): LogText {
  return {
    bytes: fstatSync(file).size,
    read: (from, size) => bytesOf(file, from, size),
    close: () => closeSync(file),
  };
}

/** Undefined where the file has no table of its frames. Each frame is decompressed when it is read, and the last one is kept. */
function compressedText(file: number): LogText | undefined {
  const frames = framesOf(file);
  if (!frames) return undefined;
  const last = frames.at(-1);
  const bytes = last ? last.from + last.plain : 0;
  let kept: { frame: Frame; text: Buffer } | undefined;

  function textOf(frame: Frame): Buffer {
    if (kept?.frame !== frame) kept = { frame, text: decompressed(file, frame) };
    return kept.text;
  }

  return {
    bytes,
    read(from, size) {
      const until = Math.min(from + size, bytes);
      const parts: Buffer[] = [];
      for (let at = from; at < until; ) {
        const frame = frameAt(frames, at);
        parts.push(textOf(frame).subarray(at - frame.from, until - frame.from));
        at = frame.from + frame.plain;
      }
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
    close: () => closeSync(file),
  };
}

function framesOf(file: number): Frame[] | undefined {
  const { size } = fstatSync(file);
  const tableBytes = frameTableBytes(bytesOf(file, Math.max(0, size - TABLE_END_BYTES), TABLE_END_BYTES));
  if (tableBytes === undefined || tableBytes > Math.min(size, LONGEST_TABLE)) return undefined;
  const sizes = unpackFrameTable(bytesOf(file, size - tableBytes, tableBytes));
  if (!sizes) return undefined;
  const frames: Frame[] = [];
  let [at, from] = [0, 0];
  for (const { packed, plain } of sizes) {
    if (plain > LARGEST_FRAME) return undefined;
    if (plain > 0) frames.push({ at, packed, from, plain });
    at += packed;
    from += plain;
  }
  return at + tableBytes === size ? frames : undefined;
}

/** The frame that holds a place of the text. */
function frameAt(frames: readonly Frame[], place: number): Frame {
  let [low, high] = [0, frames.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (frames[middle]!.from <= place) low = middle;
    else high = middle - 1;
  }
  return frames[low]!;
}

/** Of a damaged frame the lines before and after it stay readable. */
function decompressed(file: number, { at, packed, plain }: Frame): Buffer {
  try {
    const text = zstdDecompressSync(bytesOf(file, at, packed), { maxOutputLength: plain });
    if (text.length === plain) return text;
  } catch {}
  return Buffer.alloc(plain, NEWLINE);
}

function bytesOf(file: number, from: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  return bytes.subarray(0, readSync(file, bytes, 0, size, from));
}
