import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../src/kernel/fault.ts';
import { fromJson, toJson } from '../../src/workers/inside/json.ts';

const faultOf = (value: unknown) => {
  try {
    return toJson(value, 'the result', 'result');
  } catch (fault) {
    return (fault as Fault).plain;
  }
};

describe('what a plugin hands over', () => {
  test('is kept as it is, whatever JSON can hold', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(toJson(value, 'the result', 'result')).toBe(JSON.stringify(value));
      }),
    );
  });

  test('comes back equal, or is refused by its path', () => {
    fc.assert(
      fc.property(
        fc.object({
          maxDepth: 4,
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
        }),
        (value) => {
          const kept = faultOf(value);
          if (kept === null || typeof kept === 'string') {
            expect(JSON.stringify(fromJson(kept))).toBe(JSON.stringify(value));
          } else {
            expect(kept.code).toBe('NOT_JSON');
            expect(kept.message).toMatch(/^the result is not JSON: result\S* /);
          }
        },
      ),
    );
  });

  test.each<[string, unknown, string]>([
    ['a Map', { rows: [0, { at: new Map() }] }, 'result.rows[1].at is a Map'],
    ['a Set', [new Set()], 'result[0] is a Set'],
    ['an Error', { why: new TypeError('x') }, 'result.why is a TypeError'],
    ['an instance of a class', { row: new (class Row {})() }, 'result.row is an instance of Row'],
    ['a promise', { rows: Promise.resolve(1) }, 'result.rows is a Promise'],
    ['bytes', { image: Buffer.from('x') }, 'result.image is an instance of Buffer'],
    ['NaN', { 'a b': Number.NaN }, 'result["a b"] is NaN'],
    ['Infinity', Number.POSITIVE_INFINITY, 'result is Infinity'],
    ['undefined in an array', [1, undefined], 'result[1] is undefined'],
    ['a hole in an array', new Array(1), 'result[0] is undefined'],
    ['a symbol', { kind: Symbol('x') }, 'result.kind is a symbol'],
    ['a function', { call() {} }, 'result.call is a function'],
    ['an invalid date', { at: new Date(Number.NaN) }, 'result.at is an invalid Date'],
    [
      'a getter that throws',
      {
        ok: { a: 1 },
        get x() {
          throw new Error('no');
        },
      },
      'result.x cannot be read: no',
    ],
    [
      'a toJSON that throws',
      {
        x: {
          toJSON() {
            throw new Error('no');
          },
        },
      },
      'result.x cannot be read: no',
    ],
    ['a toJSON that returns nothing', { x: { toJSON() {} } }, 'result.x is undefined'],
    [
      'a proxy that throws',
      {
        x: new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('no');
            },
          },
        ),
      },
      'result.x cannot be read: no',
    ],
  ])('%s is refused', (_, value, message) => {
    expect(faultOf(value)).toMatchObject({ code: 'NOT_JSON', message: expect.stringContaining(message) });
  });

  test('a circle is refused where it closes', () => {
    const circle: Record<string, unknown> = { a: {} };
    (circle.a as { b?: unknown }).b = circle;
    expect(faultOf(circle)).toMatchObject({ message: expect.stringContaining('result.a.b contains itself') });
  });

  test('the same part twice is no circle', () => {
    const part = { x: 1 };
    expect(faultOf([part, part])).toBe('[{"x":1},{"x":1}]');
  });

  test('a date is its ISO text, and what has toJSON is what that says', () => {
    const value = { at: new Date(0), url: new URL('https://a.example/x'), day: Temporal.PlainDate.from('2026-11-27') };
    expect(faultOf(value)).toBe('{"at":"1970-01-01T00:00:00.000Z","url":"https://a.example/x","day":"2026-11-27"}');
  });

  test('properties that are undefined are left out, keys like __proto__ are kept, and no prototype is plain', () => {
    const value = Object.assign(Object.create(null), { a: undefined, b: null });
    expect(faultOf(value)).toBe('{"b":null}');
    expect(faultOf(JSON.parse('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}');
  });

  test('is bounded in length and in depth', () => {
    const nested = (depth: number) => {
      let value: unknown = 1;
      for (let i = 0; i < depth; i++) value = [value];
      return value;
    };
    expect(faultOf(nested(1_000))).toMatch(/^\[+1\]+$/);
    expect(faultOf(nested(1_001))).toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('1000 deep') });
    expect(faultOf(nested(100_000))).toMatchObject({ code: 'TOO_LARGE' });
    expect(faultOf('x'.repeat(2_000_000))).toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringContaining('1.9 MB'),
    });
    expect(faultOf(Array(40).fill('x'.repeat(1_000_000)))).toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringContaining('more than 16 MB'),
    });
  });
});
