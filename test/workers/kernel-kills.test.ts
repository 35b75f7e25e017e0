import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKernelKills } from '../../src/workers/kernel-kills.ts';
import { Clock } from '../clock.ts';
import { type MemoryCgroup, memoryCgroup } from '../memory-cgroup.ts';
import { createWorld, runs, type World } from './world.ts';

const MB = 1024 ** 2;

/** undefined where this process may not make a cgroup: then the count alone is tried. */
const cgroup: MemoryCgroup | undefined = tried();
function tried() {
  try {
    return memoryCgroup(96 * MB);
  } catch {
    return undefined;
  }
}

let world: World;
let goes: string[] = [];
let counted = 0;
beforeAll(async () => {
  world = await createWorld({
    memoryKills: () => counted + (cgroup?.kills() ?? 0),
    answer: async (call) => (call.ask === 'getState' ? JSON.stringify(goes.includes(call.agent)) : undefined),
  });
});
afterAll(async () => {
  await world.close();
  cgroup?.leave();
});

const GROWS = `log.info('begun');
  if (job.attempt > 1) return 'whole';
  while (!(await state.get('go'))) await new Promise((done) => setTimeout(done, 5));
  const held = []; for (;;) { held.push(Buffer.alloc(1024 ** 2, 1)); await new Promise((done) => setTimeout(done, 1)); }`;
const WAITS = `log.info('begun'); await new Promise(() => {});`;
const KILLED = { is: 'failed', retry: true, fault: { code: 'MACHINE_MEMORY' } };

const sharedCell = () => world.workers.view().cells.find(({ is }) => is === 'shared')!.pid;

describe('a cell that was killed', () => {
  test('by somebody, while the kernel killed nobody: its jobs have failed', async () => {
    await world.agent('lost', runs(WAITS));
    const [lost] = world.dispatch('lost');
    await world.begun('lost');
    process.kill(sharedCell(), 'SIGKILL');
    expect(await world.outcomeOf(lost!)).toMatchObject({ fault: { code: 'CELL_LOST' } });
  });

  test.runIf(cgroup)(
    'by the kernel, for the memory of all: no job of it is at fault, and no agent is set apart',
    async () => {
      const limits = { memoryBytes: 1024 * MB };
      await world.agent('grows', runs(GROWS), { limits, concurrency: 2 });
      await world.agent('waits', runs(WAITS), { limits });
      const jobs = [...world.dispatch('grows', [1, 2]), ...world.dispatch('waits', [3])];
      await Promise.all([world.begun('grows', 2), world.begun('waits')]);
      cgroup!.take(sharedCell());
      goes = ['grows'];
      for (const ref of jobs) expect(await world.outcomeOf(ref)).toMatchObject(KILLED);
      // Nobody is sought: the next jobs run side by side at once.
      await world.until('room for both', () => world.workers.capacity('grows') === 2);
      expect(world.workers.isApart!(await world.agent('grows', runs(WAITS), { limits }))).toBe(false);
      expect(world.ends.filter(({ agent }) => agent === 'grows')).toMatchObject([
        { because: { code: 'MACHINE_MEMORY' } },
      ]);
    },
  );

  test('by the kernel, with an agent in it that held more than it may: its job has failed, and the one beside it has not', async () => {
    const agent = await world.agent('over', runs(WAITS));
    await world.agent('beside', runs(WAITS));
    const [over] = world.dispatch('over');
    const [beside] = world.dispatch('beside');
    await Promise.all([world.begun('over'), world.begun('beside')]);
    await world.until('a reading of it', () => world.readings.some(({ agent: of }) => of === 'over'));
    // As its host sees it from now on; the guard in its cell, which would end the worker, goes by what it was told.
    agent.limits.memoryBytes = 1;
    counted += 1;
    process.kill(sharedCell(), 'SIGKILL');
    expect(await world.outcomeOf(beside!)).toMatchObject(KILLED);
    expect(await world.outcomeOf(over!)).toMatchObject({ fault: { code: 'CELL_LOST' } });
  });
});

test('a kill counts for some seconds, however often the count is looked at', () => {
  const time = new Clock();
  let count = 3;
  const kills = createKernelKills(time, () => count);
  expect(kills.hasKilled()).toBe(false);
  count = 4;
  expect(kills.hasKilled()).toBe(true);
  for (let second = 0; second < 5; second++) {
    time.wall += 1_000;
    kills.sample();
    expect(kills.hasKilled()).toBe(true);
  }
  for (let second = 0; second < 2; second++) {
    time.wall += 1_000;
    kills.sample();
  }
  expect(kills.hasKilled()).toBe(false);
});
