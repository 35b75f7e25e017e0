import { writeSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { LEDGER_PLACE_BYTES, type Ledger, openLedger } from '../../src/workers/ledger.ts';
import { NO_DISK, type SmallDisk, smallDisk } from '../e2e/disk.ts';

const PLACES = 8_192;
let ledger: Ledger | undefined;
let disk: SmallDisk | undefined;
const temporary = process.env.TMPDIR;

afterEach(() => {
  ledger?.close();
  ledger = undefined;
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  disk?.remove();
  disk = undefined;
});

/** As a worker thread does it. */
function note(place: number, seq: number) {
  const bytes = Buffer.alloc(LEDGER_PLACE_BYTES);
  bytes.writeInt32LE(seq);
  writeSync(ledger!.fd, bytes, 0, LEDGER_PLACE_BYTES, place * LEDGER_PLACE_BYTES);
}

test('an attempt is noted as begun on a disk that has become full: one that ran must not be taken for one that did not', (context) => {
  disk = smallDisk(1_000_000) ?? context.skip(NO_DISK);
  process.env.TMPDIR = disk.path;
  ledger = openLedger('ledger');
  disk.fill();
  for (const place of [0, 600, PLACES - 1]) {
    note(place, place + 5);
    expect(ledger!.lastBegun(place * LEDGER_PLACE_BYTES)).toBe(place + 5);
  }
  expect(ledger!.lastBegun(LEDGER_PLACE_BYTES)).toBe(0);
});

test('on a disk that is full from the start there is no ledger, and nobody claims to know', (context) => {
  disk = smallDisk(1_000_000) ?? context.skip(NO_DISK);
  process.env.TMPDIR = disk.path;
  disk.fill();
  ledger = openLedger('ledger');
  expect(ledger).toBeUndefined();
});

test('a place for which no space was kept is not known', () => {
  ledger = openLedger(`daruma-ledger-test-${process.pid}`);
  expect(ledger!.lastBegun(PLACES * LEDGER_PLACE_BYTES)).toBeUndefined();
  expect(ledger!.lastBegun((PLACES - 1) * LEDGER_PLACE_BYTES)).toBe(0);
});
