import fc from 'fast-check';

/** Values at which programs that count in doubles, in 64 bits or in Dates break, and what is no value at all. */
export const EXTREMES: readonly unknown[] = [
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0.5, -1, 1e300, 5e-324],
  ...[2 ** 31, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 2 ** 63 - 1024, 2 ** 63, 2 ** 64, -(2 ** 53), -(2 ** 63)],
  ...[8.64e15, 8.64e15 + 1, -8.64e15, 253_402_128_000_001],
  ...[5n, 2n ** 63n, null, undefined, true, false],
  ...[
    '',
    ' ',
    '0',
    '-0',
    '1e400s',
    '-5s',
    '9007199254740993ms',
    '999999999d',
    '٣s',
    '5s\n',
    'NaN',
    '__proto__',
    '\0',
    '\ud800',
  ],
  ...[`${'9'.repeat(400)}s`, `${'9'.repeat(100_000)}GB`, 'x'.repeat(201), '+275760-09-13T00:00:00.001Z', '2026-02-30'],
  ...[{}, [], ['5s'], { toString: 1 }, { valueOf: () => 5 }, Symbol('s'), () => '5s', new Date(Number.NaN)],
];

/** Anything: extremes, random values of every kind, and random texts that look like lengths and sizes. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...EXTREMES),
  fc.double(),
  fc.bigInt(),
  fc.anything(),
  fc
    .tuple(
      fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true }), fc.bigInt({ min: 0n })),
      fc.constantFrom('ms', 's', 'm', 'h', 'd', 'B', 'kb', 'GB', ''),
    )
    .map(([value, unit]) => `${value}${unit}`),
);

/** As {@link anyValue}, what is left of it after a journey as JSON. Infinity arrives, written as `1e400`. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...EXTREMES.filter((value) => typeof value === 'number' || typeof value === 'string')),
  fc.jsonValue(),
  fc.double(),
);
