import { writeSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { openStartedMarkers, STARTED_MARKER_BYTES, type StartedMarkers } from '../../src/workers/started-markers.ts';
import { NO_DISK, type SmallDisk, smallDisk } from '../e2e/disk.ts';

const PLACES = 8_192;
let startedMarkers: StartedMarkers | undefined;
let disk: SmallDisk | undefined;
const temporary = process.env.TMPDIR;

afterEach(() => {
  startedMarkers?.close();
  startedMarkers = undefined;
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  disk?.remove();
  disk = undefined;
});

/** As a worker thread does it. */
function note(place: number, seq: number) {
  const bytes = Buffer.alloc(STARTED_MARKER_BYTES);
  bytes.writeInt32LE(seq);
  writeSync(startedMarkers!.fd, bytes, 0, STARTED_MARKER_BYTES, place * STARTED_MARKER_BYTES);
}

test('an attempt is noted as begun on a disk that has become full: one that ran must not be taken for one that did not', (context) => {
  disk = smallDisk(1_000_000) ?? context.skip(NO_DISK);
  process.env.TMPDIR = disk.path;
  startedMarkers = openStartedMarkers('ledger');
  disk.fill();
  for (const place of [0, 600, PLACES - 1]) {
    note(place, place + 5);
    expect(startedMarkers!.lastBegun(place * STARTED_MARKER_BYTES)).toBe(place + 5);
  }
  expect(startedMarkers!.lastBegun(STARTED_MARKER_BYTES)).toBe(0);
});

test('on a disk that is full from the start there is no ledger, and nobody claims to know', (context) => {
  disk = smallDisk(1_000_000) ?? context.skip(NO_DISK);
  process.env.TMPDIR = disk.path;
  disk.fill();
  startedMarkers = openStartedMarkers('ledger');
  expect(startedMarkers).toBeUndefined();
});

test('a place for which no space was kept is not known', () => {
  startedMarkers = openStartedMarkers(`daruma-ledger-test-${process.pid}`);
  expect(startedMarkers!.lastBegun(PLACES * STARTED_MARKER_BYTES)).toBeUndefined();
  expect(startedMarkers!.lastBegun((PLACES - 1) * STARTED_MARKER_BYTES)).toBe(0);
});
