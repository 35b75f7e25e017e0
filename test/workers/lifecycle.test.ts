import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { planPlacement } from '../../src/jobs/placement.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import type { Cell } from '../../src/workers/cell.ts';
import { createCells } from '../../src/workers/cells.ts';
import { agentOf, bundle, createWorld, isAlive, runs, type World, type WorldOptions } from './world.ts';

async function within<T>(options: WorldOptions, scene: (world: World) => Promise<T>): Promise<T> {
  const world = await createWorld(options);
  try {
    return await scene(world);
  } finally {
    await world.close();
  }
}

const views = (world: World, agent: string) => world.workers.view().workers.filter((worker) => worker.agent === agent);

test.runIf(process.platform === 'linux')('a cell is ended before the host when memory runs out', async () => {
  await within({}, async (world) => {
    await world.agent('works', runs('return 1;'));
    await world.run('works');
    const adjusted = (pid: number | 'self') => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
    expect(world.cells().map(adjusted)).toEqual([adjusted('self') + 300]);
  });
});

test.runIf(process.platform === 'linux')('the cell of a critical agent is ended after all others', async () => {
  await within({}, async (world) => {
    await world.agent('works', runs('return 1;'), { class: 'critical', isolation: 'own' });
    await world.run('works');
    const adjusted = (pid: number | 'self') => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
    const own = world.workers.view().cells.find(({ agent }) => agent === 'works')!;
    expect(adjusted(own.pid)).toBe(adjusted('self') + 200);
  });
});

describe('the workers of an agent', () => {
  test('begin with the first job and go when idle, except those that it always wants', async () => {
    await within({ idleMs: 100 }, async (world) => {
      await world.agent('comes', runs('return 1;'));
      await world.agent('stays', runs('return 1;'), { workers: { min: 1, max: 2 } });
      expect(views(world, 'comes')).toEqual([]);
      await world.run('comes');
      expect(views(world, 'comes')).toHaveLength(1);
      await world.until('it to go', () => views(world, 'comes').length === 0);
      await world.until('the other to be idle', () => views(world, 'stays')[0]?.is === 'idle');
      expect(views(world, 'stays')).toHaveLength(1);
      expect(world.ends).toEqual([]);
    });
  });

  test('are as many as may work side by side, each with one long job', async () => {
    await within({}, async (world) => {
      await world.agent('wide', runs('await new Promise((done) => setTimeout(done, 150));'), {
        workers: { min: 0, max: 3 },
      });
      expect(world.workers.capacity('wide')).toBe(3);
      expect(world.workers.capacity('nobody')).toBe(0);
      const given = world.dispatch('wide', [1, 2, 3]);
      expect(world.workers.capacity('wide')).toBe(0);
      const outcomes = await Promise.all(given.map((ref) => world.outcomeOf(ref)));
      expect(outcomes.every(({ is }) => is === 'done')).toBe(true);
      expect(new Set(world.outcomes.map(({ worker }) => worker)).size).toBe(3);
      expect(world.workers.capacity('wide')).toBe(3);
    });
  });

  test('are as many as the load asks for: those without a job go at once when it asks for fewer, and none that has one', async () => {
    const gates = new Map<string, PromiseWithResolvers<string>>();
    const gateOf = (job: string) => {
      const gate = gates.get(job) ?? Promise.withResolvers<string>();
      gates.set(job, gate);
      return gate;
    };
    await within({ answer: ({ job }) => gateOf(job).promise }, async (world) => {
      const agent = await world.agent('wide', runs(`await state.get('go'); return 1;`), {
        workers: { min: 1, max: 4 },
      });
      const scaleTo = (scaledTo: number) => world.workers.use([planPlacement({ agent, scaledTo })]);
      scaleTo(1);
      expect(world.workers.capacity('wide')).toBe(1);
      scaleTo(4);
      const idle = () => views(world, 'wide').filter(({ is }) => is === 'idle');
      await world.until('four to be ready', () => idle().length === 4);
      expect(world.workers.capacity('wide')).toBe(4);
      const given = world.dispatch('wide', [1, 2, 3]);
      await world.until('three to run', () => world.calls.length === 3);
      scaleTo(2);
      await world.until('the one without a job to go', () => views(world, 'wide').length === 3);
      expect(views(world, 'wide').map(({ is }) => is)).toEqual(['busy', 'busy', 'busy']);
      expect(world.workers.capacity('wide')).toBe(0);
      const before = world.workers.load!('wide')!;
      expect(before).toMatchObject({ ready: 3 });
      // The newest is one too many: it gets no other job.
      const newest = given.find(({ job }) => job === views(world, 'wide').at(-1)!.job)!;
      gateOf(newest.job).resolve('1');
      await world.outcomeOf(newest);
      expect(world.workers.capacity('wide')).toBe(0);
      for (const { job } of given) gateOf(job).resolve('1');
      const outcomes = await Promise.all(given.map((ref) => world.outcomeOf(ref)));
      expect(outcomes.every(({ is }) => is === 'done')).toBe(true);
      await world.until('two to be left', () => views(world, 'wide').length === 2);
      expect(world.workers.capacity('wide')).toBe(2);
      const after = world.workers.load!('wide')!;
      // The time of a worker that is gone still counts.
      expect(after.readyMs).toBeGreaterThan(before.readyMs);
      expect(after.busyMs).toBeGreaterThanOrEqual(before.busyMs);
      expect(after.busyMs).toBeLessThanOrEqual(after.readyMs);
      expect(world.ends).toEqual([]);
    });
  });

  test('of an older version finish what they hold, while new jobs run on the new one as soon as it is ready', async () => {
    const go = Promise.withResolvers<string>();
    await within({ answer: () => go.promise }, async (world) => {
      await world.agent('swaps', runs(`await state.get('go'); return 'old';`));
      const [old] = world.dispatch('swaps');
      await world.until('it to run', () => world.calls.length === 1);
      const next = await world.agent('swaps', runs(`return 'new';`));
      await world.until('the new one to serve', () => world.workers.serving!('swaps') === next);
      expect(await world.run('swaps')).toMatchObject({ result: '"new"' });
      expect(world.outcomes).toHaveLength(1);
      go.resolve('1');
      expect(await world.outcomeOf(old!)).toMatchObject({ is: 'done', result: '"old"' });
      await world.until('the old one to go', () => views(world, 'swaps').length === 1);
      expect(world.ends).toEqual([]);
    });
  });

  test('of an older version take the jobs until the new one is ready, and go on when it cannot be loaded', async () => {
    await within({}, async (world) => {
      const old = await world.agent('swaps', runs(`return 'old';`));
      await world.run('swaps');
      await world.agent('swaps', `throw new Error('no good');\n${runs(`return 'new';`)}`);
      expect(world.workers.serving!('swaps')).toBe(old);
      expect(await world.run('swaps')).toMatchObject({ result: '"old"' });
      await world.until('the end of the new one', () => world.ends.length > 0);
      expect(world.ends[0]).toMatchObject({ because: { code: 'BOOT_FAILED' }, job: null });
      world.workers.use([planPlacement({ agent: old })]);
      expect(await world.run('swaps')).toMatchObject({ result: '"old"' });
      expect(world.outcomes.every(({ outcome }) => outcome.is === 'done')).toBe(true);
    });
  });

  test('of a version that was taken back get no more jobs, though those of the chosen one start only now', async () => {
    await within({}, async (world) => {
      const bad = await world.agent('swaps', runs(`return 'bad';`));
      await world.run('swaps');
      const version = await bundle(world.folder, 'swaps', runs(`return 'good';`));
      const good = agentOf('swaps', version);
      world.workers.use([planPlacement({ agent: good, serving: bad, isChosen: true })]);
      expect(world.workers.serving!('swaps')).toBe(good);
      expect(await world.run('swaps')).toMatchObject({ result: '"good"' });
      await world.until('the bad one to go', () => views(world, 'swaps').length === 1);
      expect(world.outcomes.every(({ outcome }) => outcome.is === 'done')).toBe(true);
    });
  });

  test('of an older version are kept warm, one of them and without work, and serve again at once', async () => {
    await within({}, async (world) => {
      const old = await world.agent('swaps', runs(`return 'old';`), { workers: { min: 1, max: 1 } });
      await world.run('swaps');
      const [first] = views(world, 'swaps');
      const version = await bundle(world.folder, 'swaps', runs(`return 'new';`));
      const next = agentOf('swaps', version, { workers: { min: 1, max: 1 } });
      world.workers.use([planPlacement({ agent: next, good: { agent: old, isReady: true } })]);
      await world.until('the new one to serve', () => world.workers.serving!('swaps') === next);
      expect(await world.run('swaps')).toMatchObject({ result: '"new"' });
      expect(views(world, 'swaps')).toHaveLength(2);
      world.workers.use([planPlacement({ agent: old })]);
      expect(world.workers.serving!('swaps')).toBe(old);
      expect(await world.run('swaps')).toMatchObject({ result: '"old"' });
      await world.until('the new one to go', () => views(world, 'swaps').length === 1);
      expect(views(world, 'swaps')[0]!.worker).toBe(first!.worker);
    });
  });

  test('of an agent that is gone finish, and take no more', async () => {
    await within({}, async (world) => {
      await world.agent('leaves', runs('await new Promise((done) => setTimeout(done, 100)); return 1;'));
      const [given] = world.dispatch('leaves');
      world.remove('leaves');
      expect(world.workers.capacity('leaves')).toBe(0);
      const late = world.dispatch('leaves')[0]!;
      expect(
        await world.until('it to come back', () => world.released.find(({ job }) => job === late.job)),
      ).toBeTruthy();
      const end = await Promise.race([
        world.outcomeOf(given!).then(({ is }) => is),
        world
          .until('it to come back', () => world.released.some(({ job }) => job === given!.job))
          .then(() => 'returned'),
      ]);
      expect(['done', 'returned']).toContain(end);
      await world.until('its worker to go', () => views(world, 'leaves').length === 0);
    });
  });

  test('live in a cell of their own when the agent asks for it', async () => {
    await within({ cellSize: 2 }, async (world) => {
      await world.agent('own', runs('return process.pid;'), { isolation: 'own' });
      for (const name of ['a', 'b', 'c']) await world.agent(name, runs('return process.pid;'));
      const pids = [];
      for (const name of ['own', 'a', 'b', 'c']) pids.push(((await world.run(name)) as { result: string }).result);
      expect(pids[1]).toBe(pids[2]);
      expect(new Set(pids).size).toBe(3);
    });
  });
});

describe('a worker', () => {
  test('is read every second, from outside: also while it spins', async () => {
    await within({}, async (world) => {
      await world.agent('spins', runs(`globalThis.kept = Buffer.alloc(2e7); for (;;);`));
      await world.agent('rests', runs('return 1;'));
      world.dispatch('spins');
      await world.run('rests');
      const of = (agent: string) =>
        world.readings.findLast((reading) => reading.agent === agent && reading.cpu !== null);
      const spins = await world.until('a reading of the one that spins', () => of('spins'));
      const rests = await world.until('a reading of the one that rests', () => of('rests'));
      expect(spins).toMatchObject({ answers: true, limitBytes: 128 * 1024 * 1024, cell: world.cells()[0] });
      expect(spins.externalBytes).toBeGreaterThan(2e7);
      expect(spins.loop).toBeGreaterThan(0.9);
      expect(spins.cpu).toBeGreaterThan(rests.cpu!);
      expect(rests.loop).toBeLessThan(0.5);
      expect(spins.job).not.toBeNull();
      expect(rests.job).toBeNull();
    });
  });

  test('that is recycled ends what it holds, and another takes its place', async () => {
    const go = Promise.withResolvers<string>();
    await within({ answer: () => go.promise }, async (world) => {
      await world.agent('old', runs(`if (!job.input) await state.get('go'); return 1;`));
      const [given] = world.dispatch('old');
      await world.until('it to run', () => world.calls.length === 1);
      world.workers.recycle?.('w1', { code: 'LEAKING', message: 'it grows' });
      expect(await world.run('old', 'next')).toMatchObject({ is: 'done' });
      go.resolve('1');
      expect(await world.outcomeOf(given!)).toMatchObject({ is: 'done' });
      expect(world.outcomes.map(({ worker }) => worker)).toEqual(['w2', 'w1']);
      expect(world.ends).toEqual([]);
    });
  });

  test('goes to a cell of its own once its agent was set apart', async () => {
    await within({}, async (world) => {
      await world.agent('apart', runs('return process.pid;'));
      await world.agent('other', runs('return process.pid;'));
      world.workers.ownCell?.('apart');
      const [one, two] = [await world.run('apart'), await world.run('other')] as { result?: string }[];
      expect(one!.result).not.toBe(two!.result);
    });
  });
});

describe('a cell beyond the first', () => {
  test('is closed when it has been empty for a while; one stays warm', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-cells-')));
    let now = 0;
    const lost: number[] = [];
    const needs = {
      time: { ...machineTime, monotonic: () => now },
      log: silentLog,
      receive() {},
      broken() {},
      lost: (cell: Cell, _how: unknown, wasExpected: boolean) => {
        if (wasExpected) lost.push(cell.process.pid!);
      },
    };
    const cells = createCells(needs, { cellSize: 50, emptyFolder: folder, folder });
    cells.warmUp();
    const own = cells.placeFor(
      agentOf('own', {
        plugin: 'own',
        id: '1',
        file: join(folder, 'own/plugin.mjs'),
        mapFile: join(folder, 'own/plugin.mjs.map'),
      }),
      'own',
    );
    now = 2_000;
    cells.sweep();
    expect([...cells.all()].every((cell) => !cell.closing)).toBe(true);
    now = 31_000;
    cells.sweep();
    expect(own.closing).toBe(true);
    await own.process.end();
    expect(lost).toEqual([own.process.pid]);
    expect([...cells.all()].map((cell) => cell.owner)).toEqual([null]);
    await cells.end();
    rmSync(folder, { recursive: true });
  });
});

describe('jobs that are handed over ahead', () => {
  const body = `log.info('begun');
    if (job.input === 'long') { await new Promise((done) => setTimeout(done, 200)); return 'long'; } return 1;`;

  test('come back unbegun when the one before them takes long', async () => {
    await within({}, async (world) => {
      await world.agent('ahead', runs(body));
      for (let i = 0; i < 20; i++) await world.run('ahead');
      const given = world.dispatch('ahead', [1, 'long', 2, 3, 4]);
      await world.until('three to come back', () => world.released.length === 3);
      expect(world.workers.capacity('ahead')).toBe(0);
      expect(world.released.map(({ job }) => job)).toEqual(given.slice(2).map(({ job }) => job));
      expect(await world.outcomeOf(given[1]!)).toMatchObject({ result: '"long"' });
      expect(world.workers.capacity('ahead')).toBeGreaterThan(0);
      await world.run('ahead');
      await world.begun('ahead', 23);
      const began = new Set(world.lines.map(({ job }) => job));
      expect(given.map(({ job }) => began.has(job))).toEqual([true, true, false, false, false]);
    });
  });

  test('end at once when they are aborted before they began', async () => {
    await within({}, async (world) => {
      await world.agent('ahead', runs(body));
      for (let i = 0; i < 20; i++) await world.run('ahead');
      const given = world.dispatch('ahead', ['long', 2]);
      world.workers.abort(given[1]!, { code: 'CANCELLED', message: 'not wanted any more' });
      expect(await world.outcomeOf(given[1]!)).toMatchObject({ is: 'failed', fault: { code: 'CANCELLED' } });
      expect(await world.outcomeOf(given[0]!)).toMatchObject({ is: 'done' });
      expect(world.ends).toEqual([]);
    });
  });
});

describe('a drain', () => {
  test('waits for what runs, and takes nothing new', async () => {
    await within({}, async (world) => {
      await world.agent(
        'slow',
        runs(`log.info('begun'); await new Promise((done) => setTimeout(done, 200)); return 1;`),
      );
      const [given] = world.dispatch('slow');
      await world.begun('slow');
      const drained = world.workers.drain(5_000);
      expect(world.workers.capacity('slow')).toBe(0);
      await drained;
      expect(world.outcomes).toMatchObject([{ outcome: { job: given!.job, is: 'done' } }]);
      expect(world.workers.view().workers).toEqual([]);
    });
  });

  test('aborts what goes on for longer, then ends it', async () => {
    await within({}, async (world) => {
      await world.agent(
        'obeys',
        runs(
          `log.info('begun'); await new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason)));`,
        ),
      );
      await world.agent('deaf', runs(`log.info('begun'); for (;;);`), {
        limits: { graceMs: 60_000, timeoutMs: 60_000 },
      });
      const given = [...world.dispatch('obeys'), ...world.dispatch('deaf')];
      await Promise.all([world.begun('obeys'), world.begun('deaf')]);
      const began = performance.now();
      await world.workers.drain(400);
      // Long before the minute that it would be given otherwise.
      expect(performance.now() - began).toBeLessThan(30_000);
      expect(world.outcomes.map(({ outcome }) => outcome.job).sort()).toEqual(given.map(({ job }) => job).sort());
      for (const { outcome } of world.outcomes)
        expect(outcome).toMatchObject({ is: 'failed', fault: { code: 'HOST_STOPPED' } });
      expect(world.ends).toEqual([]);
    });
  });
});

describe('nothing is left', () => {
  test('of a stop with jobs in progress; it can be started again', async () => {
    const world = await createWorld();
    await world.agent('spins', runs(`if (job.input) return 1; log.info('begun'); for (;;);`), {
      workers: { min: 1, max: 2 },
    });
    const given = world.dispatch('spins', [null, null]);
    await world.begun('spins', 2);
    const pids = world.cells();
    await Promise.all([world.workers.stop(), world.workers.stop()]);
    expect(pids.some(isAlive)).toBe(false);
    expect(world.outcomes.map(({ outcome }) => outcome.job).sort()).toEqual(given.map(({ job }) => job).sort());
    expect(world.workers.alive()).toBeUndefined();
    await world.workers.start();
    expect(await world.run('spins', 1)).toMatchObject({ is: 'done' });
    await world.close();
    await world.workers.stop();
  });

  test('of starts and stops in any order', async () => {
    const world = await createWorld();
    const { workers } = world;
    for (let round = 0; round < 5; round++) {
      await Promise.all([workers.stop(), workers.start(), workers.start(), workers.stop()]);
    }
    await workers.stop();
    expect(world.cells()).toEqual([]);
    await workers.start();
    await world.agent('fine', runs('return 1;'));
    expect(await world.run('fine')).toMatchObject({ is: 'done' });
    await world.close();
  });

  test('of the cells of a host that is killed, even with all threads busy and their own loops at a stand', async () => {
    const child: ChildProcess = fork(join(import.meta.dirname, 'doomed-host.ts'), { execArgv: ['--import', 'tsx'] });
    try {
      const [{ pids, fenced, folder }] = (await once(child, 'message')) as [
        { pids: number[]; fenced: number[]; folder: string },
      ];
      // Two that work, and a spare for the next agent that needs a cell of its own.
      expect(pids.length).toBe(3);
      expect(pids.every(isAlive)).toBe(true);
      // Cells whose own loops do nothing any more; the spare one has nothing in it yet that could stop its loop.
      expect(fenced).toHaveLength(2);
      for (const pid of fenced) process.kill(pid, 'SIGSTOP');
      child.kill('SIGKILL');
      const world = await createWorld();
      await world.until('its cells to end', () => !pids.some(isAlive));
      await world.close();
      rmSync(folder, { recursive: true, force: true });
    } finally {
      child.kill('SIGKILL');
    }
  });
});
