import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A file without a name that a cell's workers note in which job they begin, one place for each worker. It outlives the
 * cell, so that after a SIGKILL the host still knows which attempts had begun and which had not.
 */
export interface StartedMarkers {
  fd: number;
  /** The sequence number of the last job that the worker at this place began; 0 for none, undefined when it cannot be known. */
  lastBegun(at: number): number | undefined;
  close(): void;
}

export const STARTED_MARKER_BYTES = 8;
/**
 * Space that is taken at once, for so many workers of a cell. Were it taken as it is used, a disk that becomes full would
 * leave attempts unnoted, and a dead cell's jobs would be run again as if they had not begun, under the same number.
 */
const KEPT_BYTES = 8_192 * STARTED_MARKER_BYTES;

/** undefined when the file cannot be made (a full disk): accounting is coarser without it. */
export function openStartedMarkers(name: string): StartedMarkers | undefined {
  const path = join(tmpdir(), name);
  let fd: number | undefined;
  try {
    fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    if (writeSync(fd, Buffer.alloc(KEPT_BYTES)) < KEPT_BYTES) throw new Error('the disk is full');
  } catch {
    if (fd !== undefined) closeSync(fd);
    return undefined;
  }
  const open = fd;
  const bytes = Buffer.alloc(STARTED_MARKER_BYTES);
  return {
    fd: open,
    lastBegun(at) {
      if (at + STARTED_MARKER_BYTES > KEPT_BYTES) return undefined;
      readSync(open, bytes, 0, STARTED_MARKER_BYTES, at);
      return bytes.readInt32LE();
    },
    close: () => closeSync(open),
  };
}
