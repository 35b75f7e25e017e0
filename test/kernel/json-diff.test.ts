import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Difference, diffJson } from '../../src/kernel/json-diff.ts';

const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

/** Carries the differences out, so that the law below can be stated. */
function applied(before: unknown, differences: Difference[]): unknown {
  let root = { value: structuredClone(before) } as Record<string, unknown>;
  // From the back: what goes from a list goes from its end.
  for (const { path, is, after } of [...differences]
    .reverse()
    .sort((a, b) => Number(a.is === 'added') - Number(b.is === 'added'))) {
    const keys = [
      'value',
      ...[...path.matchAll(/\[("(?:[^"\\]|\\.)*"|\d+)\]|([^.[\]]+)/g)].map(
        ([, index, name]) => name ?? JSON.parse(index!),
      ),
    ];
    const last = keys.pop()!;
    const holder = keys.reduce<Record<string, unknown>>(
      (at, key) => Object.getOwnPropertyDescriptor(at, key)!.value as Record<string, unknown>,
      root,
    );
    if (is === 'removed' && Array.isArray(holder)) holder.splice(Number(last), 1);
    else if (is === 'removed') delete holder[last];
    else Object.defineProperty(holder, last, { value: after, writable: true, enumerable: true, configurable: true });
    root = { value: root.value };
  }
  return root.value;
}

it('finds nothing between a value and a copy of it', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(diffJson(value, structuredClone(value))).toEqual([]);
    }),
  );
});

it('makes the one value of the other when its differences are carried out', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const differences = diffJson(before, after);
      const made = applied(
        before,
        // Added places of a list are in their order, so that each one is its end.
        differences.filter(({ is }) => is !== 'added').concat(differences.filter(({ is }) => is === 'added').reverse()),
      );
      expect(JSON.stringify(sorted(made))).toBe(JSON.stringify(sorted(after)));
    }),
    { numRuns: 500 },
  );
});

it('names the place, what it was and what it is', () => {
  const before = { at: '12:00', items: [{ price: 1 }, { price: 2 }], 'a b': true, gone: null };
  const after = { items: [{ price: 1 }, { price: 3 }, {}], at: '12:01', 'a b': false };
  expect(diffJson(before, after)).toEqual([
    { path: 'at', is: 'changed', before: '12:00', after: '12:01' },
    { path: 'items[1].price', is: 'changed', before: 2, after: 3 },
    { path: 'items[2]', is: 'added', after: {} },
    { path: '["a b"]', is: 'changed', before: true, after: false },
    { path: 'gone', is: 'removed', before: null },
  ]);
});

it('tells a value of another kind as a whole', () => {
  expect(diffJson([1], { 0: 1 })).toEqual([{ path: '', is: 'changed', before: [1], after: { 0: 1 } }]);
  expect(diffJson(null, 0)).toEqual([{ path: '', is: 'changed', before: null, after: 0 }]);
  expect(diffJson(JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":2}'))).toMatchObject([{ path: '__proto__' }]);
});

/** Keys in one order, everywhere. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => [key, sorted(one)]);
}
