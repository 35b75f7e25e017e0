import { closeSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A file without a name that a cell's workers note in which job they begin, one place for each worker. It outlives the
 * cell, so that after a SIGKILL the host still knows which attempts had begun and which had not.
 */
export interface Ledger {
  fd: number;
  /** The sequence number of the last job that the worker at this place began; 0 for none. */
  lastBegun(at: number): number;
  close(): void;
}

export const LEDGER_PLACE_BYTES = 8;

/** undefined when the file cannot be made (a full disk): accounting is coarser without it. */
export function openLedger(name: string): Ledger | undefined {
  const path = join(tmpdir(), name);
  let fd: number;
  try {
    fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
  } catch {
    return undefined;
  }
  const bytes = Buffer.alloc(LEDGER_PLACE_BYTES);
  return {
    fd,
    lastBegun(at) {
      bytes.fill(0);
      readSync(fd, bytes, 0, LEDGER_PLACE_BYTES, at);
      return bytes.readInt32LE();
    },
    close: () => closeSync(fd),
  };
}
