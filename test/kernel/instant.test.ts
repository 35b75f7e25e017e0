import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shown } from '../../src/kernel/bounds.ts';
import { INSTANTS, isInstant, isoOf, readInstant } from '../../src/kernel/instant.ts';

const numbers = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    NaN,
    Infinity,
    -Infinity,
    -0,
    8.64e15,
    8.64e15 + 1,
    -8.64e15,
    2 ** 53,
    2 ** 63,
    INSTANTS.least,
    INSTANTS.most,
  ),
);

it('shows every number, and a time as one that comes back', () => {
  fc.assert(
    fc.property(numbers, (at) => {
      const text = isoOf(at);
      if (isInstant(at)) expect(readInstant(text)).toBe(Object.is(at, -0) ? 0 : at);
      else if (!isInstant(Math.floor(at))) expect(Date.parse(text)).toBeNaN();
    }),
    { numRuns: 2_000 },
  );
});

it('can be shown in every zone', () => {
  for (const at of [INSTANTS.least, INSTANTS.most]) {
    for (const zone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'UTC']) {
      const { year } = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
      expect(year >= 1 && year <= 9999).toBe(true);
    }
  }
});

it.each(['2026-11-22T07:00:00Z', '2026-11-22T07:00:00.123+01:00', '2026-11-22'])('reads the time %s', (text) =>
  expect(readInstant(text)).toBe(Date.parse(text)),
);

it.each([
  '',
  '1',
  '0',
  'now',
  '2026-13-40',
  '+275760-09-13T00:00:00.000Z',
  '2026-11-22T07:00',
  1,
  null,
  {},
  [],
  new Date(0),
  'x'.repeat(1e6),
])('takes %j for no time', (said) =>
  expect(readInstant(said)).toBe('is no time in ISO 8601 such as 2026-11-22T07:00:00Z'),
);

it('shows any value on one short line', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true }), (value) => {
      expect(shown(value)).toMatch(/^[^\n]{1,62}$/u);
    }),
  );
});
