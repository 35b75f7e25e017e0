import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Lookup } from '../../src/catalog/versions/lookups.ts';
import { createFileScanner } from '../../src/catalog/watching/file-scanner.ts';
import { machineTime } from '../../src/kernel/time.ts';

const FILE = 'plugins/one.ts';
const LOOKUP: Lookup = { ask: 'is', path: FILE, answer: 'file' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-scanner-'));
  for (const root of ['plugins', 'agents']) mkdirSync(join(folder, root));
  writeFileSync(join(folder, FILE), 'export default 1;');
  utimesSync(join(folder, FILE), 0, 0);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A scanner whose clock goes on by 1 ms each time that it is read. */
function makeScanner() {
  const clock = { ms: 0 };
  const time = { ...machineTime, now: () => Date.now() + 1_000_000, monotonic: () => clock.ms++ };
  const scanner = createFileScanner({ time }, { folder, linkFolders: [], rules: { settleMs: 100, goneMs: 400 } });
  const seen = () => [scanner.files.get(FILE)?.is, scanner.answers.get(`is ${FILE}`)?.answer];
  return { scanner, clock, seen };
}

it.each(['before the files are looked at', 'after that'])(
  'takes a plugin away before what its imports hang on: removed %s',
  async (moment) => {
    const { scanner, clock, seen } = makeScanner();
    const inputs = new Set<string>();
    await scanner.scan({ inputs, lookups: [LOOKUP] }, { full: true });
    expect(seen()).toEqual(['file', 'file']);
    const remove = () => rmSync(join(folder, FILE));
    if (moment !== 'after that') remove();
    // Lookups are asked for while the scanner is at work.
    const lookups = {
      *[Symbol.iterator]() {
        if (moment === 'after that') remove();
        yield LOOKUP;
      },
    };
    await scanner.scan({ inputs, lookups: lookups as never }, { full: false });
    const states = new Set<string>();
    for (clock.ms = 390; clock.ms < 500; clock.ms += 5) {
      await scanner.scan({ inputs, lookups: [LOOKUP] }, { full: false });
      states.add(seen().join(' '));
    }
    expect([...states]).not.toContain('file nothing');
    expect(seen()).toEqual(['missing', 'nothing']);
  },
);
