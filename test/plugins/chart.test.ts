import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bar, columnChart, niceTop } from '../../plugins/lib/chart.ts';

const text = { id: 'c', title: 'Jobs', description: 'Most at noon.' };
const size = { width: 330, height: 170 };
const anyBar: fc.Arbitrary<Bar> = fc.record({
  label: fc.string({ unit: 'binary', maxLength: 30 }),
  hint: fc.string({ unit: 'binary' }),
  parts: fc.array(fc.record({ kind: fc.constantFrom('done', 'dead'), value: fc.nat(1_000_000) }), { maxLength: 3 }),
});
const rects = (svg: string) =>
  [...svg.matchAll(/<rect class="(\w+)" x="([\d.-]+)" y="([\d.-]+)" width="([\d.-]+)" height="([\d.-]+)"/g)]
    .filter(([, kind]) => kind !== 'target')
    .map(([, , x, y, width, height]) => ({ x: Number(x), y: Number(y), width: Number(width), height: Number(height) }));

describe('any chart', () => {
  it('has a name and a message for people who do not see it', () => {
    const svg = columnChart(text, [], size);
    expect(svg).toContain('role="img" aria-labelledby="c-t c-d"');
    expect(svg).toContain('<title id="c-t">Jobs</title><desc id="c-d">Most at noon.</desc>');
  });

  it('holds only numbers and escaped text, and keeps its bars inside', () => {
    fc.assert(
      fc.property(fc.array(anyBar, { maxLength: 30 }), (bars) => {
        for (const svg of [columnChart(text, bars, size)]) {
          expect(svg).not.toMatch(/NaN|Infinity|undefined/);
          expect(
            svg.replace(
              /<\/?(svg|g|title|desc|rect|line|text)( [a-z-]+="[^"<>]*"|[A-Z][a-z]+="[^"]*"|\/)*[^<>]*>/gi,
              '',
            ),
          ).not.toMatch(/[<>]/);
          for (const { x, y, width, height } of rects(svg)) {
            expect(Math.min(x, y, width, height)).toBeGreaterThanOrEqual(-6); // three parts of the least size may stand out
            expect(x + width).toBeLessThanOrEqual(size.width + 6);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

it('draws columns in proportion, on top of each other', () => {
  const parts = (done: number, dead: number) => [
    { kind: 'done', value: done },
    { kind: 'dead', value: dead },
  ];
  const bars = [
    { label: '00:00', hint: '', parts: parts(50, 50) },
    { label: '', hint: '', parts: parts(25, 0) },
  ];
  const [low, high, second] = rects(columnChart(text, bars, { width: 300, height: 224 }));
  expect([low!.height, high!.height, second!.height]).toEqual([96, 96, 48]);
  expect(high!.y + high!.height).toBeCloseTo(low!.y);
  expect(second!.y + second!.height).toBeCloseTo(low!.y + low!.height);
});

it('draws no bar for nothing, and a visible one for little', () => {
  const bar = (value: number) => ({ label: 'a', hint: '', parts: [{ kind: 'done', value }] });
  const found = rects(columnChart(text, [bar(0), bar(1), bar(1_000_000)], size));
  expect(found).toHaveLength(2);
  expect(found[0]!.height).toBe(2);
});

it.each([
  [0, 1],
  [1, 1],
  [3, 4],
  [7, 10],
  [11, 20],
  [50, 50],
  [51, 100],
  [2_001, 4_000],
])('a scale for %i ends at %i', (most, top) => expect(niceTop(most)).toBe(top));
