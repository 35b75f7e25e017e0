import { describeStore } from './conformance.ts';
import { memoryStore } from './memory/store.ts';

describeStore('the store in memory, of two hosts', async () => {
  const clock = { now: 0 };
  let seed = 7;
  const chance = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const { handle } = memoryStore(clock, chance);
  return { store: handle(), other: handle(), clock, close: async () => {} };
});
