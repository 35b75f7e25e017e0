import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Assignment } from '../../src/jobs/model.ts';
import { createWorld, runs, type World } from './world.ts';

/** Ends of each attempt: what the account of promises is checked against. */
function endsOf(world: World): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { outcome } of world.outcomes) ends.set(outcome.job, (ends.get(outcome.job) ?? 0) + 1);
  for (const { job } of world.released) ends.set(job, (ends.get(job) ?? 0) + 1);
  return ends;
}

describe('every attempt that is given comes back exactly once', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ cellSize: 3, idleMs: 200 });
  });
  afterAll(() => world.close());

  test('through a storm of short and long jobs, crashes, kills, new versions and lost cells', async () => {
    const body = runs(`const kind = job.input;
    if (kind === 'crash') setTimeout(() => { throw new Error('x'); });
    if (kind === 'exit') process.exit(1);
    if (kind === 'throw') throw new Error('x');
    if (kind === 'spin') for (;;);
    if (kind === 'wait' || kind === 'crash') await new Promise((done) => setTimeout(done, 30));
    return kind;`);
    const change = { workers: { min: 0, max: 3 }, limits: { timeoutMs: 150, graceMs: 20 } };
    for (const name of ['a', 'b']) await world.agent(name, body, change);
    const given: Assignment[] = [];
    // A small generator, so that a bad run can be run again.
    let seed = 42;
    const chance = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const began = performance.now();
    const codes = () =>
      new Set(world.outcomes.map(({ outcome }) => (outcome.is === 'done' ? 'done' : outcome.fault.code)));
    // On a busy machine it takes longer until the storm is one: all kinds of ends are there.
    const kinds = ['done', 'ERROR', 'CRASHED', 'TIMEOUT', 'CELL_LOST'];
    const isStorm = () => given.length > 1_000 && kinds.every((kind) => codes().has(kind)) && world.released.length > 0;
    for (let round = 0; performance.now() - began < (isStorm() ? 5_000 : 40_000); round++) {
      for (const name of ['a', 'b']) {
        const inputs = Array.from({ length: world.workers.capacity(name) }, () => {
          const roll = chance();
          if (roll < 0.97) return 'quick';
          return ['wait', 'crash', 'exit', 'throw', 'spin', 'wait'][Math.floor(chance() * 6)];
        });
        if (inputs.length > 0) given.push(...world.dispatch(name, inputs));
      }
      const cells = world.cells();
      if (round % 150 === 149) process.kill(cells[Math.floor(chance() * cells.length)]!, 'SIGKILL');
      if (round % 200 === 199) await world.agent(chance() < 0.5 ? 'a' : 'b', body, change);
      await new Promise((done) => setTimeout(done, 2));
    }
    await world.until('all to come back', () => endsOf(world).size === given.length);
    const ends = endsOf(world);
    expect([...ends.values()].every((count) => count === 1)).toBe(true);
    expect(given.every(({ job }) => ends.has(job))).toBe(true);
    expect([...codes()]).toEqual(expect.arrayContaining(kinds));
    expect(world.released.length).toBeGreaterThan(0);
    expect(given.length).toBeGreaterThan(1_000);
  });
});
