import { randomInt } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MARKER_BYTES, type MarkerPlace, writeMarker } from './wire.ts';

/**
 * A file without a name that a cell's workers note in which job they begin, one place for each worker. The file outlives the
 * cell, so that after a SIGKILL the host still knows which attempts had begun and which had not.
 *
 * Threads of a cell share its descriptors, so a plugin that got past its fences could write at the place of a neighbour. A
 * note that does not fit the key of its place counts as none: then nobody knows, and all that the worker held counts as begun.
 * An older note cannot be put back, because the cell's descriptor writes only.
 */
export interface StartedMarkers {
  /** For the cell: it writes, and reads nothing. */
  fd: number;
  /** A place for one more worker; null when there is none left. */
  place(): MarkerPlace | null;
  /** The sequence number of the last job that the worker at this place began; 0 for none, undefined when it cannot be known. */
  lastBegun(place: MarkerPlace): number | undefined;
  close(): void;
}

/**
 * Space that is taken at once, for so many workers of a cell. Were it taken as it is used, a disk that becomes full would
 * leave attempts unnoted, and a dead cell's jobs would be run again as if they had not begun, under the same number.
 */
const KEPT_BYTES = 8_192 * MARKER_BYTES;
const MOST_KEY = 2 ** 31 - 1;

/**
 * `name`: how its folder begins. undefined when the file cannot be made (a full disk): accounting is coarser without it.
 *
 * The file has a folder of its own, which is gone as soon as the file is open: a process that watches the temporary folder, as
 * a host does whose installation lies there, would be woken for each job that begins, though the file has lost its name.
 */
export function openStartedMarkers(name: string): StartedMarkers | undefined {
  const opened: number[] = [];
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), name));
    const path = join(folder, 'begun');
    const open = (flags: string) => opened[opened.push(openSync(path, flags, 0o600)) - 1]!;
    // Made by the one that the cell gets: to open it for writing alone once more would empty it.
    const fd = open('wx');
    const own = open('r+');
    rmSync(folder, { recursive: true });
    if (writeSync(own, Buffer.alloc(KEPT_BYTES)) < KEPT_BYTES) throw new Error('the disk is full');
    return startedMarkersIn(own, fd);
  } catch {
    for (const fd of opened) closeSync(fd);
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
}

function startedMarkersIn(own: number, fd: number): StartedMarkers {
  const note = Buffer.alloc(MARKER_BYTES);
  let next = 0;
  return {
    fd,
    place() {
      const at = MARKER_BYTES * next++;
      if (at + MARKER_BYTES > KEPT_BYTES) return null;
      const key = randomInt(1, MOST_KEY);
      writeMarker(note, 0, key);
      writeSync(own, note, 0, MARKER_BYTES, at);
      return { at, key };
    },
    lastBegun({ at, key }) {
      note.fill(0);
      readSync(own, note, 0, MARKER_BYTES, at);
      const seq = note.readInt32LE();
      return (seq ^ note.readInt32LE(4)) === key ? seq : undefined;
    },
    close() {
      closeSync(own);
      closeSync(fd);
    },
  };
}
