import fc from 'fast-check';
import { expect, it } from 'vitest';
import { diffLines } from '../../src/control/source-diff.ts';

type Hunk = ReturnType<typeof diffLines>[number];

/** What the hunks make of the old text. */
function patched(before: string, hunks: Hunk[]): string {
  const old = before === '' ? [] : before.replace(/\n$/, '').split('\n');
  const made: string[] = [];
  let at = 1;
  for (const { oldStart, lines } of hunks) {
    while (at < oldStart) made.push(old[at++ - 1]!);
    for (const { sign, text } of lines) {
      if (sign !== '+') expect(old[at++ - 1]).toBe(text);
      if (sign !== '-') made.push(text);
    }
  }
  while (at <= old.length) made.push(old[at++ - 1]!);
  return made.map((line) => `${line}\n`).join('');
}

it('equal texts have no difference', () => expect(diffLines('a\nb\n', 'a\nb\n')).toEqual([]));

it('a change is told with three lines around it, and its place', () => {
  const before = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`);
  const after = before.with(9, 'another');
  expect(diffLines(before.join('\n'), after.join('\n'))).toEqual([
    {
      oldStart: 7,
      oldLines: 7,
      newStart: 7,
      newLines: 7,
      lines: [
        ...['line 7', 'line 8', 'line 9'].map((text) => ({ sign: ' ', text })),
        { sign: '-', text: 'line 10' },
        { sign: '+', text: 'another' },
        ...['line 11', 'line 12', 'line 13'].map((text) => ({ sign: ' ', text })),
      ],
    },
  ]);
});

it('the old text and the hunks give the new text, whatever the texts', () => {
  const texts = fc
    .array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 40 })
    .map((lines) => lines.map((line) => `${line}\n`).join(''));
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      const hunks = diffLines(before, after);
      expect(patched(before, hunks)).toBe(after);
      expect(hunks.length === 0).toBe(before === after);
      for (const { lines, oldLines, newLines } of hunks) {
        expect(lines.filter(({ sign }) => sign !== '+')).toHaveLength(oldLines);
        expect(lines.filter(({ sign }) => sign !== '-')).toHaveLength(newLines);
      }
    }),
    { numRuns: 2_000 },
  );
});

it('texts that have nothing in common are told as replaced, in no time', () => {
  const many = (word: string) => Array.from({ length: 5_000 }, (_, i) => `${word} ${i}`).join('\n');
  expect(diffLines(many('a'), many('b'))[0]).toMatchObject({ oldLines: 5_000, newLines: 5_000 });
});
