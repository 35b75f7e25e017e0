import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEPT_ALWAYS, KEPT_BESIDES, type KeptVersion, spareVersions } from '../../src/catalog/versions/versions.ts';

const nameOf = ({ ref }: KeptVersion) => `${ref.plugin}/${ref.id}`;
const bytesOf = (versions: readonly KeptVersion[]) => versions.reduce((sum, { bytes }) => sum + bytes, 0);

/** Plugins with versions of any size and age, some of them in use, and a budget that is sometimes far too small. */
const shelves = fc
  .record({
    plugins: fc.array(
      fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 1_000 }), age: fc.nat(1_000), isUsed: fc.boolean() }), {
        maxLength: 40,
      }),
      { maxLength: 4 },
    ),
    budget: fc.nat(30_000),
  })
  .map(({ plugins, budget }) => {
    const used = new Set<string>();
    const lists = plugins.map((versions, at) =>
      versions
        .toSorted((a, b) => a.age - b.age)
        .map(({ bytes, age, isUsed }, id): KeptVersion => {
          if (isUsed) used.add(`plugin-${at}/${id}`);
          return { ref: { plugin: `plugin-${at}`, id: String(id) }, madeAt: age, bytes };
        }),
    );
    return { lists, used, budget };
  });

describe('what is pruned', () => {
  it('is never in use, nor among the newest two of a plugin besides', () => {
    fc.assert(
      fc.property(shelves, ({ lists, used, budget }) => {
        const going = new Set(spareVersions(lists, used, budget).map(nameOf));
        for (const name of used) expect(going).not.toContain(name);
        for (const list of lists) {
          const unused = list.filter((one) => !used.has(nameOf(one)));
          for (const one of unused.slice(-KEPT_ALWAYS)) expect(going).not.toContain(nameOf(one));
        }
      }),
    );
  });

  it('leaves what fits into the budget, or nothing that could still go', () => {
    fc.assert(
      fc.property(shelves, ({ lists, used, budget }) => {
        const going = new Set(spareVersions(lists, used, budget));
        const left = lists.map((list) => list.filter((one) => !going.has(one)));
        const unused = left.map((list) => list.filter((one) => !used.has(nameOf(one))));
        for (const list of unused) expect(list.length).toBeLessThanOrEqual(KEPT_BESIDES);
        const mayGo = unused.flatMap((list) => list.slice(0, -KEPT_ALWAYS));
        expect(bytesOf(left.flat()) <= budget || mayGo.length === 0).toBe(true);
      }),
    );
  });

  it('is the oldest first, and no more of it than has to go', () => {
    fc.assert(
      fc.property(shelves, ({ lists, used, budget }) => {
        const going = spareVersions(lists, used, budget);
        expect(new Set(going).size).toBe(going.length);
        const last = going.at(-1);
        const unused = lists.map((list) => list.filter((one) => !used.has(nameOf(one))));
        const tooMany = new Set(unused.flatMap((list) => list.slice(0, Math.max(0, list.length - KEPT_BESIDES))));
        if (!last || tooMany.has(last)) return;
        const left = lists.flat().filter((one) => !going.includes(one));
        expect(bytesOf(left) + last.bytes).toBeGreaterThan(budget);
        const younger = left.filter((one) => unused.some((list) => list.slice(0, -KEPT_ALWAYS).includes(one)));
        for (const one of younger) expect(one.madeAt).toBeGreaterThanOrEqual(last.madeAt);
      }),
    );
  });

  const version = (plugin: string, id: number, madeAt: number): KeptVersion => ({
    ref: { plugin, id: String(id) },
    madeAt,
    bytes: 10,
  });

  it('is what lies beyond the newest twenty, whatever the budget', () => {
    const list = Array.from({ length: KEPT_BESIDES + 3 }, (_, id) => version('a', id, id));
    expect(spareVersions([list], new Set(), 1e9).map(nameOf)).toEqual(['a/0', 'a/1', 'a/2']);
  });

  it('is the oldest of all plugins, and nothing once the rest just fits', () => {
    const a = [0, 1, 2, 3].map((id) => version('a', id, 10 + id));
    const b = [0, 1, 2, 3].map((id) => version('b', id, id));
    expect(spareVersions([a, b], new Set(), 50).map(nameOf)).toEqual(['b/0', 'b/1', 'a/0']);
    expect(spareVersions([a, b], new Set(), 80)).toEqual([]);
  });

  it('counts against the budget only once what lies beyond the newest twenty', () => {
    const list = Array.from({ length: KEPT_BESIDES + 3 }, (_, id) => version('a', id, id));
    expect(spareVersions([list], new Set(), KEPT_BESIDES * 10)).toHaveLength(3);
  });
});
