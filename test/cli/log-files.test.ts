import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linesBackwards, newestFirst } from '../../src/control/log-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-logs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (msg: string) => JSON.stringify({ level: 'info', time: '2026-11-22T11:00:00.000Z', msg });
const read = () => [...linesBackwards(folder)].map(({ msg }) => msg);

test('files are read from the newest by day and number, not by letters', () => {
  const names = ['daruma.2026-11-21.10.log', 'daruma.2026-11-22.1.log', 'daruma.2026-11-21.9.log', 'readme.txt'];
  expect(newestFirst(names)).toEqual([
    'daruma.2026-11-22.1.log',
    'daruma.2026-11-21.10.log',
    'daruma.2026-11-21.9.log',
  ]);
});

test('lines come newest first over all files; torn lines and foreign ones are left out', () => {
  writeFileSync(
    join(folder, 'daruma.2026-11-21.1.log'),
    `${line('a')}\n${line('b').slice(0, 20)}\nnot json\n{"level":1}\n${line('c')}\n`,
  );
  writeFileSync(join(folder, 'daruma.2026-11-22.1.log'), `${line('d')}\n\n${line('e')}\n${line('torn').slice(0, -4)}`);
  expect(read()).toEqual(['e', 'd', 'c', 'a']);
});

test('a folder that is not there has no lines', () => {
  expect([...linesBackwards(join(folder, 'none'))]).toEqual([]);
});

test('lines of every length are whole, wherever the pieces of the file begin', () => {
  const message = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.integer({ min: 1, max: 150_000 }).map((length) => 'ä'.repeat(length)),
  );
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
      writeFileSync(join(folder, 'daruma.2026-11-22.1.log'), messages.map((msg) => `${line(msg)}\n`).join(''));
      expect(read()).toEqual(messages.toReversed());
    }),
    { numRuns: 40 },
  );
});
