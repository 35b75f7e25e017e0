import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type KeptWarning,
  type SeenWarning,
  stepWarnings,
  type WarningWord,
} from '../../src/telemetry/warnings/warning.ts';

const MINUTE = 60_000;
const seen = (fingerprint: string, word: WarningWord): SeenWarning => ({
  ...{ fingerprint, word, agent: 'shop', quantity: 'memory', text: 'grows', next: 'daruma status', hitsAt: null },
});
const words = fc.constantFrom<WarningWord>('rising', 'leaking', 'due');
const looks = fc.array(
  fc.record({ minutes: fc.integer({ min: 1, max: 30 }), seen: fc.dictionary(fc.constantFrom('a', 'b', 'c'), words) }),
  { maxLength: 40 },
);

it('begins, worsens and ends each warning in this order, and never tells a word twice in one life', () => {
  fc.assert(
    fc.property(looks, (all) => {
      let current: KeptWarning[] = [];
      let now = 0;
      const told = new Map<string, string[]>();
      for (const look of all) {
        now += look.minutes * MINUTE;
        const step = stepWarnings(
          current,
          Object.entries(look.seen).map(([key, word]) => seen(key, word)),
          now,
        );
        current = step.current;
        for (const { is, warning } of step.changes) {
          const life = told.get(warning.fingerprint) ?? [];
          if (is === 'over') expect(life.length).toBeGreaterThan(0);
          else expect(life).not.toContain(is);
          told.set(warning.fingerprint, is === 'over' ? [] : [...life, is]);
        }
        const alive = [...told].filter(([, life]) => life.length > 0).map(([key]) => key);
        expect(current.map(({ fingerprint }) => fingerprint).sort()).toEqual(alive.sort());
        for (const key of Object.keys(look.seen)) expect(alive).toContain(key);
      }
    }),
  );
});

it('keeps since when, the most certain word of two looks, and a warning at the edge for a quarter of an hour', () => {
  const first = stepWarnings([], [seen('a', 'leaking'), seen('a', 'rising')], 0);
  expect(first.changes).toMatchObject([{ is: 'leaking' }]);
  const edge = stepWarnings(first.current, [], 14 * MINUTE);
  expect(edge).toMatchObject({ current: [{ word: 'leaking', since: 0 }], changes: [] });
  expect(stepWarnings(edge.current, [], 15 * MINUTE)).toMatchObject({ current: [], changes: [{ is: 'over' }] });
  const due = stepWarnings(edge.current, [seen('a', 'due')], 15 * MINUTE);
  expect(due.current).toMatchObject([{ since: 0, word: 'due' }]);
  // Healing knows the end of what it acts on.
  expect(stepWarnings(due.current, [], 16 * MINUTE).changes).toMatchObject([{ is: 'over' }]);
});
