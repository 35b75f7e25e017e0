import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, runs, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ most: 2 });
});
afterAll(() => world.close());

test('an agent without room waits for the bound that holds it back: the host’s own, or the narrower one of a short machine', async () => {
  const { workers } = world;
  const waits = runs(`log.info('begun'); await new Promise((done) => signal.addEventListener('abort', done));`);
  for (const name of ['a', 'b', 'c']) await world.agent(name, waits);
  world.dispatch('a', [1]);
  await world.begun('a');
  workers.narrow!(1);
  expect(workers.lacksRoom!('b')).toBe(true);
  workers.waitForRoom!('b');
  expect(workers.waitsForRoom!('b')).toMatchObject({ most: 1, isNarrowed: true });
  workers.narrow!(Number.POSITIVE_INFINITY);
  expect(workers.waitsForRoom!('b')).toBeUndefined();
  expect(workers.lacksRoom!('c')).toBe(true);
  workers.waitForRoom!('c');
  expect(workers.waitsForRoom!('c')).toMatchObject({ most: 2, isNarrowed: false });
});
