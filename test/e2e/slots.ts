import { join } from 'node:path';
import { expect } from 'vitest';
import { openReadOnly } from '../../src/store/sqlite/read-only.ts';
import type { Installation } from './installation.ts';

/**
 * Waits until an agent with a slot each second has one that was due after `since`, and sees that every second from the
 * first to that one has its slot, each in one end and with its reason where it did not run.
 */
export async function noSecondIsMissing(place: Installation, agent: string, since: number): Promise<void> {
  const slots = await place.until(
    async () => {
      const store = openReadOnly(join(place.folder, 'data/daruma.db'));
      try {
        const all = await store.slots({ agent, from: 0, to: Number.MAX_SAFE_INTEGER });
        return all.slice(0, 1 + all.findLastIndex(({ state }) => state !== 'planned'));
      } finally {
        store.close();
      }
    },
    (decided) => decided.length > 0 && decided.at(-1)!.due > since,
  );
  const first = slots[0]!.due;
  expect(slots.map(({ due }) => due)).toEqual(slots.map((_, at) => first + at * 1_000));
  expect(slots.filter(({ state }) => state === 'planned')).toEqual([]);
  expect(slots.filter(({ state, job, reason }) => (state === 'ran' ? job === null : reason === null))).toEqual([]);
  const jobs = slots.flatMap(({ job }) => job ?? []);
  expect(new Set(jobs).size).toBe(jobs.length);
}
