import fc from 'fast-check';
import { expect, it } from 'vitest';
import { debouncedBy } from '../../src/kernel/debounce.ts';

const keyOf = (input: unknown, key?: string) =>
  debouncedBy({ periodMs: 5, timeoutMs: 50, ...(key === undefined ? {} : { key }) }, JSON.stringify(input))?.debounce
    .key;

it('has no terms for an agent that does not debounce', () => {
  expect(debouncedBy(undefined, '{}')).toBeUndefined();
  expect(debouncedBy({ periodMs: 5, timeoutMs: 50 }, null)).toEqual({ inMs: 5, debounce: { key: '', timeoutMs: 50 } });
});

it('takes the value at the path; an input without it is of the rest', () => {
  expect(keyOf({ order: { id: 7 } }, 'order.id')).toBe('7');
  expect(keyOf({ order: { id: '7' } }, 'order.id')).toBe('"7"');
  expect(keyOf({ list: ['a'] }, 'list.0')).toBe('"a"');
  for (const input of [null, 3, 'order', {}, { order: null }, { order: 7 }]) expect(keyOf(input, 'order.id')).toBe('');
  for (const name of ['constructor', '__proto__', 'toString', 'length']) expect(keyOf({}, name)).toBe('');
  expect(debouncedBy({ periodMs: 5, timeoutMs: 50, key: 'a' }, null)?.debounce.key).toBe('');
});

it('has equal keys for equal values, and other keys for others, however long they are', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 3 }), fc.json({ maxDepth: 3 }), fc.nat(400), (one, other, padding) => {
      const [a, b] = [one, other].map((text) => [JSON.parse(text), 'x'.repeat(padding)]);
      expect(keyOf({ a }, 'a')).toBe(keyOf({ a, more: b }, 'a'));
      expect(keyOf({ a }, 'a') === keyOf({ a: b }, 'a')).toBe(JSON.stringify(a) === JSON.stringify(b));
      expect(keyOf({ a }, 'a')!.length).toBeLessThanOrEqual(200);
    }),
  );
});
