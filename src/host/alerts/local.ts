import { appendFileSync, closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { MB } from '../../kernel/measures.ts';

/** The file of alerts. */
export interface AlertFile {
  /**
   * Adds a block, unless the end of the file has its key: a host that was killed may write it once more. Throws the error of the system.
   */
  add(key: string, block: string): void;
}

/** A file that is larger is put aside as `<file>.1`, in place of the one before. */
const MOST_BYTES = MB;
const TAIL_BYTES = 65_536;

/** `path`: absolute. */
export function openAlertFile(path: string): AlertFile {
  let tail = endOf(path);
  return {
    add(key, block) {
      if (tail.text.includes(key)) return;
      mkdirSync(dirname(path), { recursive: true });
      if (tail.bytes > MOST_BYTES) {
        renameSync(path, `${path}.1`);
        tail = { text: tail.text, bytes: 0 };
      }
      appendFileSync(path, `${block}\n`, { mode: 0o600 });
      tail = { text: `${tail.text}${block}\n`.slice(-TAIL_BYTES), bytes: tail.bytes + Buffer.byteLength(block) + 1 };
    },
  };
}

function endOf(path: string): { text: string; bytes: number } {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { size } = fstatSync(file);
    const piece = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, piece, 0, piece.length, size - piece.length);
    return { text: piece.toString('utf8'), bytes: size };
  } catch {
    return { text: '', bytes: 0 };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
