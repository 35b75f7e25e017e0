import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, fastTime, isAlive, runs, type World } from './world.ts';

describe('a plugin that goes wrong', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await world.agent('neighbour', runs('await new Promise((done) => setTimeout(done, job.input ?? 0)); return 1;'));
  });
  afterAll(() => world.close());

  test.each([
    [
      'throws in a timer',
      `setTimeout(() => { throw new Error('from a timer'); }); await new Promise(() => {});`,
      'from a timer',
    ],
    ['leaves a rejection', `Promise.reject(new Error('nobody waits')); await new Promise(() => {});`, 'nobody waits'],
    [
      'throws nothing in a timer',
      `setTimeout(() => { throw null; }); await new Promise(() => {});`,
      'threw null instead of an Error',
    ],
    ['exits the process', `process.exit(3);`, 'process.exit(3)'],
    ['exits really', `process.reallyExit(4);`, 'process.exit(4)'],
  ])('and %s fails its own attempt with the fault, and nobody else’s', async (_what, body, message) => {
    const other = world.dispatch('neighbour', [100]);
    await world.agent('crash', runs(body));
    const outcome = await world.run('crash');
    expect(outcome).toMatchObject({
      is: 'failed',
      retry: true,
      fault: { code: 'CRASHED', message: expect.stringContaining(message) },
    });
    expect(outcome).toMatchObject({ fault: { file: 'plugins/crash.ts' } });
    expect(world.ends.at(-1)).toMatchObject({ agent: 'crash', because: { code: 'CRASHED' } });
    expect(await world.outcomeOf(other[0]!)).toMatchObject({ is: 'done' });
  });

  const small = { limits: { memoryBytes: 48 * 1024 * 1024 } };

  test.each([
    [
      'objects',
      'const kept = []; for (let i = 0; ; i++) { kept.push({ i, text: "n" + i }); if (i % 20000 === 0) await new Promise(setImmediate); }',
    ],
    [
      'buffers',
      'const kept = []; for (;;) { kept.push(Buffer.alloc(4e6, 1)); await new Promise((done) => setTimeout(done, 5)); }',
    ],
    [
      'a Map with number keys',
      'const kept = new Map(); for (let i = 0; ; i++) { kept.set(i, { i }); if (i % 50000 === 0) await new Promise(setImmediate); }',
    ],
  ])('and leaks %s is killed above its limit, and its cell lives', async (_what, body) => {
    const [pid] = world.cells();
    await world.agent('leak', runs(body), small);
    expect(await world.run('leak')).toMatchObject({ fault: { code: 'OVER_LIMIT', data: { limit: 48 * 1024 * 1024 } } });
    expect(world.cells()).toEqual([pid]);
  });

  test('cannot start a process', async () => {
    await world.agent(
      'spawns',
      runs(`const { spawnSync } = await import('node:child_process'); return spawnSync('sleep', ['5']).status;`),
    );
    expect(await world.run('spawns')).toMatchObject({
      retry: false,
      fault: {
        code: 'NOT_IN_NEEDS',
        message: expect.stringContaining('node:child_process is not allowed in agent spawns'),
        next: expect.stringContaining("use context.exec and needs: { exec: ['ls'] }"),
        file: 'plugins/spawns.ts',
      },
    });
  });
});

describe('a cell that dies', () => {
  test('fails what ran in it, and its agents go on in a new one', async () => {
    const world = await createWorld();
    await world.agent('unlucky', runs(`if (job.input) return 1; log.info('begun'); await new Promise(() => {});`));
    await world.agent('steady', runs('return 1;'));
    await world.run('steady');
    const [pid] = world.cells();
    const [given] = world.dispatch('unlucky');
    await world.begun('unlucky');
    // As V8 does when one allocation runs past the last limit.
    process.kill(pid!, 'SIGABRT');
    expect(await world.outcomeOf(given!)).toMatchObject({
      is: 'failed',
      retry: true,
      fault: { code: 'CELL_LOST', message: expect.stringContaining('SIGABRT') },
    });
    expect(await world.run('steady')).toMatchObject({ is: 'done' });
    expect(await world.run('unlucky', 'again')).toMatchObject({ is: 'done' });
    await world.close();
  });

  test('in its sleep: one that is frozen is killed, and what it ran is tried again', async () => {
    const world = await createWorld({ time: fastTime(10) });
    await world.agent('frozen', runs(`if (job.input) return 1; await new Promise(() => {});`), {
      limits: { timeoutMs: 500, graceMs: 100 },
    });
    await world.run('frozen', 1);
    const [pid] = world.cells();
    process.kill(pid!, 'SIGSTOP');
    const given = world.dispatch('frozen')[0]!;
    const back = await world.until(
      'it to come back',
      () => world.outcomes.find(({ outcome }) => outcome.job === given.job) ?? world.released[0],
    );
    // The thread may have begun it before the whole process stood still.
    if ('outcome' in back) expect(back.outcome).toMatchObject({ fault: { code: 'CELL_LOST' } });
    expect(isAlive(pid!)).toBe(false);
    expect(await world.run('frozen', 1)).toMatchObject({ is: 'done' });
    await world.close();
  });

  test('before it lived: what was meant for it comes back unbegun, and the next try finds a new one', async () => {
    const world = await createWorld();
    const blocked = join(world.folder, 'blocked');
    writeFileSync(blocked, 'a file where the folder of its cells should be');
    const other = await createWorld({ emptyFolder: blocked });
    await other.agent('any', runs('return 1;'));
    const [given] = other.dispatch('any');
    await other.until('it to come back', () => other.released.some(({ job }) => job === given!.job));
    expect(other.outcomes).toEqual([]);
    expect(other.ends).toMatchObject([{ because: { code: 'CELL_LOST' } }]);
    rmSync(blocked);
    await other.until('its pause to end', () => other.workers.capacity('any') > 0);
    expect(await other.run('any')).toMatchObject({ is: 'done' });
    await other.close();
    await world.close();
  });

  test('tells by its ledger which attempts had begun: only those failed', async () => {
    const world = await createWorld();
    await world.agent(
      'quick',
      runs(`if (job.input !== 'hang') return job.input; log.info('begun'); await new Promise(() => {});`),
    );
    for (let i = 0; i < 20; i++) await world.run('quick', i);
    expect(world.workers.capacity('quick')).toBeGreaterThan(3);
    const given = world.dispatch('quick', [1, 'hang', 2, 3]);
    await world.begun('quick');
    const [pid] = world.cells();
    process.kill(pid!, 'SIGKILL');
    expect(await world.outcomeOf(given[1]!)).toMatchObject({ fault: { code: 'CELL_LOST' } });
    await world.until('the others to come back', () => world.released.length === 2);
    expect(world.released.map(({ job }) => job)).toEqual([given[2]!.job, given[3]!.job]);
    expect(world.ends).toMatchObject([{ agent: 'quick', because: { code: 'CELL_LOST' } }]);
    await world.close();
  });

  test('twice by the same agent gives that agent one of its own', async () => {
    const world = await createWorld();
    await world.agent('taker', runs(`if (job.input) return 1; log.info('begun'); await new Promise(() => {});`));
    await world.agent('other', runs('return 1;'));
    for (let i = 0; i < 2; i++) {
      const given = world.dispatch('taker')[0]!;
      await world.run('other');
      await world.begun('taker', i + 1);
      await world.until('one cell', () => world.cells().length === 1);
      process.kill(world.cells()[0]!, 'SIGKILL');
      await world.outcomeOf(given);
    }
    await world.run('other');
    await world.run('taker', 1);
    expect(world.workers.view().cells.map(({ is, agent }) => [is, agent])).toEqual(
      expect.arrayContaining([
        ['shared', null],
        ['own', 'taker'],
      ]),
    );
    await world.close();
  });

  test('because a thread sits in native code: its cell is killed and neighbours go on elsewhere', async () => {
    const world = await createWorld();
    await world.agent(
      'pinned',
      runs(
        `const { pbkdf2Sync } = await import('node:crypto'); return pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512').length;`,
      ),
      { limits: { timeoutMs: 100, graceMs: 50 } },
    );
    await world.agent('idle', runs('return 1;'));
    await world.run('idle');
    const [pid] = world.cells();
    const outcome = await world.run('pinned');
    expect(outcome).toMatchObject({ fault: { code: 'TIMEOUT' } });
    expect(await world.run('idle')).toMatchObject({ is: 'done' });
    expect(world.cells().some((cell) => cell !== pid)).toBe(true);
    await world.until('the cell to be killed', () => !isAlive(pid!));
    await world.close();
  });
});
