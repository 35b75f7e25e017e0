import { ftruncateSync, mkdtempSync, readdirSync, readSync, rmSync, watch, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openStartedMarkers, type StartedMarkers } from '../../src/workers/started-markers.ts';
import { MARKER_BYTES, type MarkerPlace, writeMarker } from '../../src/workers/wire.ts';
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
function note({ at, key }: MarkerPlace, seq: number) {
  const bytes = Buffer.alloc(MARKER_BYTES);
  writeMarker(bytes, seq, key);
  writeSync(startedMarkers!.fd, bytes, 0, MARKER_BYTES, at);
}

const opened = () => openStartedMarkers('daruma-ledger-test-')!;
const places = (count: number) => Array.from({ length: count }, () => startedMarkers!.place()!);

test('an attempt is noted as begun on a disk that has become full: one that ran must not be taken for one that did not', (context) => {
  disk = smallDisk(1_000_000) ?? context.skip(NO_DISK);
  process.env.TMPDIR = disk.path;
  startedMarkers = openStartedMarkers('ledger')!;
  disk.fill();
  const all = places(PLACES);
  for (const index of [0, 600, PLACES - 1]) {
    note(all[index]!, index + 5);
    expect(startedMarkers.lastBegun(all[index]!)).toBe(index + 5);
  }
  expect(startedMarkers.lastBegun(all[1]!)).toBe(0);
});

test('on a disk that is full from the start there is no ledger, and nobody claims to know', (context) => {
  disk = smallDisk(1_000_000) ?? context.skip(NO_DISK);
  process.env.TMPDIR = disk.path;
  disk.fill();
  startedMarkers = openStartedMarkers('ledger');
  expect(startedMarkers).toBeUndefined();
});

test('nobody who watches the temporary folder is woken by notes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-watched-'));
  const told: (string | null)[] = [];
  try {
    process.env.TMPDIR = folder;
    startedMarkers = opened();
    expect(readdirSync(folder)).toEqual([]);
    const [place] = places(1) as [MarkerPlace];
    const { promise: isLast, resolve } = Promise.withResolvers<void>();
    const watcher = watch(folder, (_, name) => {
      told.push(name);
      if (name === 'last') resolve();
    });
    for (let seq = 1; seq <= 10; seq++) note(place, seq);
    writeFileSync(join(folder, 'last'), '');
    await isLast;
    watcher.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(new Set(told)).toEqual(new Set(['last']));
});

test('a worker for which no space was kept has no place', () => {
  startedMarkers = opened();
  expect(startedMarkers.lastBegun(places(PLACES).at(-1)!)).toBe(0);
  expect(startedMarkers.place()).toBeNull();
});

test('what stands at a place and was not noted with its key is not known', () => {
  startedMarkers = opened();
  const [mine, neighbours] = places(2) as [MarkerPlace, MarkerPlace];
  note(neighbours, 7);
  for (const forged of [0, 1, 6, 7]) {
    note({ at: neighbours.at, key: mine.key }, forged);
    expect(startedMarkers.lastBegun(neighbours)).toBeUndefined();
  }
  writeSync(startedMarkers.fd, Buffer.alloc(MARKER_BYTES), 0, MARKER_BYTES, neighbours.at);
  expect(startedMarkers.lastBegun(neighbours)).toBeUndefined();
  ftruncateSync(startedMarkers.fd);
  expect(startedMarkers.lastBegun(mine)).toBeUndefined();
});

test('a note cannot be read through the descriptor of the cell, to be put back later', () => {
  startedMarkers = opened();
  const [place] = places(1) as [MarkerPlace];
  note(place, 1);
  expect(() => readSync(startedMarkers!.fd, Buffer.alloc(MARKER_BYTES), 0, MARKER_BYTES, place.at)).toThrow('EBADF');
});
