import { expect, it } from 'vitest';
import { createKeptBytes } from '../../src/host/kept-bytes.ts';
import type { Time } from '../../src/kernel/time.ts';

const BUDGET = 1_000;

/** A store of one agent's keys, and how often it was counted. */
function world() {
  const kept = new Map<string, number>();
  let counts = 0;
  let now = 0;
  const store = {
    async keptBytes() {
      counts += 1;
      return [...kept.values()].reduce((sum, bytes) => sum + bytes, 0);
    },
  };
  const bytes = createKeptBytes({ time: { monotonic: () => now } as Time, store, most: () => BUDGET });
  const set = (key: string, size: number) => bytes.write('a', size, async () => void kept.set(key, size));
  const later = () => {
    now += 1_000;
  };
  return { kept, set, freed: bytes.freed, write: bytes.write, counts: () => counts, later };
}

it('lets an agent write one key over as often as it likes, and counts now and then', async () => {
  const { set, counts } = world();
  for (let n = 0; n < 1_000; n++) await set('k', 10);
  expect(counts()).toBeLessThan(15);
});

it('never counts for an agent that keeps little', async () => {
  const { set, counts } = world();
  for (let n = 0; n < 6; n++) await set('k', 10);
  expect(counts()).toBe(0);
});

it('refuses what would be too much, with what to do, and takes it when something was given up', async () => {
  const { set, kept, freed, later } = world();
  for (let n = 0; n < 10; n++) await set(`k${n}`, 100);
  await expect(set('more', 100)).rejects.toMatchObject({
    plain: {
      code: 'STATE_FULL',
      message: expect.stringContaining('1000 B'),
      next: expect.stringContaining('state.budget'),
    },
  });
  expect(kept.has('more')).toBe(false);
  kept.delete('k0');
  await expect(set('more', 100)).rejects.toMatchObject({ plain: { code: 'STATE_FULL' } });
  freed('a');
  await set('more', 100);
  kept.delete('k1');
  later();
  await set('other', 100);
});

it('is held to it by writes that come at once, though the store has answered none of them', async () => {
  const { kept, write } = world();
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const writes = Array.from({ length: 50 }, (_, n) =>
    write('a', 100, async () => {
      await opened;
      kept.set(`k${n}`, 100);
    }),
  );
  await Promise.resolve();
  setImmediate(open);
  const ends = await Promise.allSettled(writes);
  expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  expect(kept.size).toBe(10);
});
