import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytes,
  callingNobody,
  characters,
  linksIn,
  type Measure,
  mastodonLength,
  shorten,
  shortenBefore,
  units,
  xLength,
} from '../../plugins/lib/shorten.ts';

const LINK = `https://shop.example/${'a'.repeat(80)}`;

describe('lengths', () => {
  it.each([
    ['plain', 5],
    ['naïve', 5],
    ['日本', 4],
    ['👩‍👩‍👧‍👦', 2],
    ['🇩🇪', 2],
    ['e\u0301', 1],
    [LINK, 23],
    [`see ${LINK}, now`, 32],
    ['“quote”', 7],
  ])('X counts %j as %i', (text, length) => expect(xLength(text)).toBe(length));

  it.each([
    ['plain', 5],
    ['日本', 2],
    ['👩‍👩‍👧‍👦', 1],
    [`see ${LINK}.`, 28],
    ['@somebody@social.example hello', 15],
  ])('Mastodon counts %j as %i', (text, length) => expect(mastodonLength(text)).toBe(length));

  it('others count characters, UTF-16 units or bytes', () => {
    expect([characters('👩‍👧!'), units('👩‍👧!'), bytes('👩‍👧!')]).toEqual([2, 6, 12]);
  });

  it('a link ends before the sign that ends the sentence', () => {
    expect(linksIn('(see https://a.example/x?b=1). https://b.example!')).toEqual([
      { at: 5, url: 'https://a.example/x?b=1' },
      { at: 31, url: 'https://b.example' },
    ]);
  });
});

describe('a text that is too long', () => {
  it('ends after a word', () => {
    expect(shorten('The backup of the shop failed.', 20, characters)).toBe('The backup of the…');
    expect(shorten('The backup, and more', 13, characters)).toBe('The backup…');
    expect(shorten('short', 5, characters)).toBe('short');
  });

  it('ends between two characters where there is one long word', () => {
    expect(shorten('x'.repeat(20), 5, characters)).toBe('xxxx…');
    expect(shorten('👩‍👧'.repeat(4), 3, characters)).toBe('👩‍👧👩‍👧…');
  });

  it('keeps the link behind it whole', () => {
    const text = shortenBefore('many words '.repeat(60), LINK, { max: 280, measure: xLength });
    expect(text.endsWith(`…\n\n${LINK}`)).toBe(true);
    expect(xLength(text)).toBeLessThanOrEqual(280);
  });

  it.each<[string, Measure]>([
    ['X', xLength],
    ['Mastodon', mastodonLength],
    ['characters', characters],
    ['bytes', bytes],
  ])('fits by the measure of %s, whatever it is', (_, measure) => {
    const word = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.constant(LINK), fc.constant('👩‍👩‍👧‍👦'));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), fc.integer({ min: 30, max: 300 }), (words, max) => {
        const text = words.join(' ');
        const short = shorten(text, max, measure);
        expect(measure(short)).toBeLessThanOrEqual(max);
        expect(text.startsWith(short.replace(/…$/, ''))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

it('no stranger is called by a name in a log line', () => {
  expect(callingNobody('npm: @scope/pkg, mail a@b.example, @ alone')).toBe(
    'npm: @\u200bscope/pkg, mail a@\u200bb.example, @ alone',
  );
});
