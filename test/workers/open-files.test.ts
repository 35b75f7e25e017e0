import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mostFiles } from '../../src/kernel/proc.ts';
import { createWorld, runs, type World } from './world.ts';

const ALL = `const { openSync } = await import('node:fs'); try { for (;;) openSync('/dev/null'); } catch (error) { if (error.code !== 'EMFILE') throw error; }`;
const READS = { needs: { read: ['/dev/null'] } };

describe('a plugin that opens files until none is left', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  test('does not take its cell down: that one is seen and replaced, and the job ends in it', async () => {
    await world.agent(
      'keeps-all',
      runs(`${ALL} await new Promise((done) => setTimeout(done, 2500)); return 'held';`),
      READS,
    );
    const [job] = world.dispatch('keeps-all');
    const replaced = await world.until('its cell is replaced', () => world.replaced[0]);
    const most = mostFiles();
    expect(replaced).toMatchObject({ agents: ['keeps-all'], killed: false });
    expect(replaced.why).toMatch(new RegExp(`^\\d+ of ${most} file descriptors are open$`));
    expect(await world.outcomeOf(job!)).toMatchObject({ is: 'done', result: '"held"' });
  });

  test('and fails of it: its next attempt runs in a clean cell, before anybody has counted', async () => {
    const before = world.replaced.length;
    await world.agent(
      'fails-of-it',
      runs(
        `const { openSync } = await import('node:fs'); if (job.input) { openSync('/dev/null'); return 'clean'; } for (;;) openSync('/dev/null');`,
      ),
      READS,
    );
    expect(await world.run('fails-of-it')).toMatchObject({ is: 'failed', fault: { code: 'EMFILE' } });
    expect(await world.run('fails-of-it', 'again')).toMatchObject({ is: 'done', result: '"clean"' });
    expect(world.replaced.slice(before)).toEqual([expect.objectContaining({ agents: ['fails-of-it'], killed: false })]);
  });
});
