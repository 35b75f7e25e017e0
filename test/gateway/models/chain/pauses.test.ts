import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pauseAsked, readPause } from '../../../../src/gateway/models/chain/pauses.ts';

const NOW = Date.UTC(2026, 10, 27, 12);
const DAY = 86_400_000;

describe('a pause', () => {
  it.each([
    ['1.57s', 1_570],
    ['6s', 6_000],
    ['2m59.56s', 179_560],
    ['7.66ms', 7.66],
    ['1h2m', 3_720_000],
    ['1d', DAY],
    ['12', 12_000],
    ['33011.382867', 33_011_382.867],
    ['0', 0],
    [new Date(NOW + 90_000).toUTCString(), 90_000],
    [new Date(NOW - 90_000).toUTCString(), 0],
    ['2026-11-27T12:01:00Z', 60_000],
    [`${NOW / 1_000 + 30}`, 30_000],
    [`${NOW + 30_000}`, 30_000],
    [`${NOW - 30_000}`, 0],
  ])('is read from %s', (text, ms) => {
    expect(readPause(text, NOW)).toBeCloseTo(ms, 6);
  });

  it.each(['', 'soon', '-5', '1x', '5 s', 's', 'NaN', '1e9', '1s2', 'Thursday'])('is none in "%s"', (text) => {
    expect(readPause(text, NOW)).toBeNull();
  });

  const asked = (headers: Record<string, string>, words = '') => pauseAsked(headers, words, NOW);

  it('is that of Retry-After before all others, in seconds or as a date', () => {
    expect(asked({ 'retry-after': '3', 'x-ratelimit-reset-tokens': '1.57s' })).toBe(3_000);
    expect(asked({ 'retry-after': new Date(NOW + 4_000).toUTCString() })).toBe(4_000);
    expect(asked({ 'retry-after-ms': '2500', 'retry-after': '99' })).toBe(2_500);
  });

  it('is at least a second, and not believed beyond a day', () => {
    expect(asked({ 'retry-after': '0' })).toBe(1_000);
    expect(asked({ 'retry-after': new Date(NOW - 4_000).toUTCString() })).toBe(1_000);
    for (const absurd of ['99999999999', '-1', 'never', `${DAY / 1_000 + 1}`])
      expect(asked({ 'retry-after': absurd })).toBeNull();
    expect(asked({ 'retry-after': '99999999999', 'x-ratelimit-reset-tokens': '2s' })).toBe(2_000);
  });

  it('is the reset of the limits that are used up, the longest of them', () => {
    const limits = { 'x-ratelimit-reset-requests': '2m59.56s', 'x-ratelimit-reset-tokens': '7.5s' };
    expect(asked({ ...limits, 'x-ratelimit-remaining-requests': '900', 'x-ratelimit-remaining-tokens': '0' })).toBe(
      7_500,
    );
    expect(asked({ ...limits, 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-remaining-tokens': '0' })).toBe(
      179_560,
    );
    expect(asked(limits)).toBe(7_500);
  });

  it('is in the words as a last resort', () => {
    expect(asked({}, 'Please try again in 5.4075s. Need more tokens?')).toBe(5_408);
    expect(asked({}, 'Please try again in 2m59.56s.')).toBe(179_560);
    expect(asked({}, 'Please try again later')).toBeNull();
  });

  it('is null or between a second and a day, whatever a server sends', () => {
    const text = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.double().map(String),
      fc.stringMatching(/^\d{1,14}[smhd]{1,2}$/),
    );
    fc.assert(
      fc.property(text, text, text, (after, reset, words) => {
        const ms = asked({ 'retry-after': after, 'x-ratelimit-reset-tokens': reset }, `try again in ${words}`);
        return ms === null || (ms >= 1_000 && ms <= DAY);
      }),
    );
  });
});
