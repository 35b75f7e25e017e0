import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clip, escapeHtml, escapeMarkdown, lengthOf } from '../../plugins/lib/text.ts';
import { bytesOf, msOf, showBytes, showMs, showShare, size } from '../../plugins/lib/units.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 80 });

describe('text', () => {
  it('cannot leave its place in a page', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"']|&(?!\w+;|#39;)/);
      }),
    );
  });

  it('cannot end a table cell or begin markup in Markdown', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(escapeMarkdown(text)).not.toMatch(/\n|(?<!\\)(\\\\)*[|`*_<>[\]#]/);
      }),
    );
    expect(escapeMarkdown('&lt; & co')).toBe('\\&lt; & co');
    expect(escapeMarkdown('- item')).toBe('\\- item');
    expect(escapeMarkdown('1. item')).toBe('\\1. item');
  });

  it('is clipped between characters, never inside one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, max) => {
        expect(lengthOf(clip(text, max))).toBeLessThanOrEqual(max);
      }),
    );
    expect(clip('👩‍👩‍👧 family', 3)).toBe('👩‍👩‍👧…');
    expect(clip('short', 5)).toBe('short');
  });
});

describe('units', () => {
  it.each([
    [0.9999, '99.9 %'],
    [1, '100 %'],
    [0.29, '29 %'],
    [0.058, '5.8 %'],
    [0, '0 %'],
    [null, '–'],
  ])('the share %s is shown as %s', (share, shown) => expect(showShare(share)).toBe(shown));

  it.each([
    [0.4, '0 ms'],
    [999, '999 ms'],
    [999.7, '1.0 s'],
    [59_960, '1 min'],
    [200_000, '3 min 20 s'],
    [3_599_700, '1 h'],
    [86_400_000, '1 d'],
    [1_900_800_000, '22 d'],
    [null, '–'],
  ])('%s ms are shown as %s', (ms, shown) => expect(showMs(ms)).toBe(shown));

  it('reads sizes and times as people write them', () => {
    expect([bytesOf('1.5GB'), bytesOf('512KB'), msOf('500ms'), msOf('2d')]).toEqual([
      1_610_612_736, 524_288, 500, 172_800_000,
    ]);
    expect(['2 gigs', '10', '-1GB', '1.GB'].filter((text) => size().safeParse(text).success)).toEqual([]);
    expect([showBytes(0), showBytes(2_048), showBytes(5_242_880), showBytes(1_610_612_736)]).toEqual([
      '0 B',
      '2 KB',
      '5 MB',
      '1.5 GB',
    ]);
  });
});
