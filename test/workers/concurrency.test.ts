import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Assignment, Outcome } from '../../src/jobs/model.ts';
import { createWorld, runs, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ answer: async (call) => (call.ask === 'beginEffect' ? { is: 'new' } : undefined) });
});
afterAll(() => world.close());

const byInput = (outcomes: readonly Outcome[]) => outcomes.map((one) => ('fault' in one ? one.fault.code : one.result));

/** Hands the same job over once more, as the queue does after an attempt that cost nothing. */
function again(given: Assignment): Assignment {
  const next = { ...given, attempt: given.attempt + 1 };
  world.workers.dispatch(given.agent, [next]);
  return next;
}

/** Hands jobs over and waits until each of them has begun. */
async function side(agent: string, inputs: unknown[]): Promise<Assignment[]> {
  const before = world.lines.filter((line) => line.agent === agent && line.message === 'begun').length;
  const given = world.dispatch(agent, inputs);
  await world.begun(agent, before + inputs.length);
  return given;
}

describe('a worker that does several jobs side by side', () => {
  test('has all of them at work at once in one thread, and takes no more than it may', async () => {
    await world.agent(
      'gate',
      runs(`log.info('begun');
      globalThis.waiting = (globalThis.waiting ?? []);
      await new Promise((done) => { globalThis.waiting.push(done); if (globalThis.waiting.length === 3) for (const one of globalThis.waiting) one(); });
      return job.input;`),
      { concurrency: 3 },
    );
    expect(world.workers.capacity('gate')).toBe(3);
    const given = world.dispatch('gate', ['a', 'b', 'c', 'd']);
    const outcomes = await Promise.all(given.slice(0, 3).map((ref) => world.outcomeOf(ref)));
    expect(byInput(outcomes)).toEqual(['"a"', '"b"', '"c"']);
    // The fourth did not fit.
    expect(world.released.map(({ job }) => job)).toContain(given[3]!.job);
    expect(new Set(world.outcomes.map(({ worker }) => worker)).size).toBe(1);
  });

  test('tells their lines apart, printed ones and half ones too', async () => {
    await world.agent(
      'talks',
      runs(`log.info('begun');
      process.stdout.write('half of ' );
      await new Promise((done) => setTimeout(done, 5));
      console.log(job.input);
      await Promise.resolve();
      console.error('error of ' + job.input);
      log.warn('log of ' + job.input);`),
      { concurrency: 8 },
    );
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const given = world.dispatch('talks', names);
    await Promise.all(given.map((ref) => world.outcomeOf(ref)));
    for (const [index, ref] of given.entries()) {
      const name = names[index]!;
      await world.until(`the lines of ${name}`, () => world.lines.filter(({ job }) => job === ref.job).length >= 4);
      const said = world.lines.filter(({ job }) => job === ref.job).map(({ message }) => message);
      expect(said.toSorted()).toEqual(['begun', `error of ${name}`, `half of ${name}`, `log of ${name}`]);
    }
  });

  test('asks for effects as the job that has them', async () => {
    await world.agent(
      'once',
      runs(
        `await Promise.all([once('mine', async () => { await new Promise((done) => setTimeout(done, 3)); return job.input; })]);`,
      ),
      { concurrency: 4 },
    );
    const before = world.calls.length;
    const given = world.dispatch('once', [1, 2, 3, 4]);
    await Promise.all(given.map((ref) => world.outcomeOf(ref)));
    const ends = world.calls.slice(before).filter((call) => call.ask === 'endEffect');
    expect(ends.map(({ job, result }) => [job, result]).toSorted()).toEqual(
      given.map(({ job }, index) => [job, String(index + 1)]).toSorted(),
    );
  });

  test('shows each of them with its own beat', async () => {
    await world.agent(
      'beats',
      runs(`beat('page of ' + job.input); log.info('begun');
      await new Promise((done) => signal.addEventListener('abort', done));`),
      { concurrency: 2 },
    );
    const given = await side('beats', ['a', 'b']);
    const jobs = await world.until('readings of both', () => {
      const view = world.workers.view().workers.find(({ agent }) => agent === 'beats');
      return view?.jobs.length === 2 && view.jobs;
    });
    expect(jobs.map(({ job, lastBeat }) => [job, lastBeat])).toEqual([
      [given[0]!.job, 'page of a'],
      [given[1]!.job, 'page of b'],
    ]);
    for (const ref of given) world.workers.abort(ref, { code: 'CANCELLED', message: 'enough' });
    await Promise.all(given.map((ref) => world.outcomeOf(ref)));
  });
});

describe('a job that ends its worker beside others', () => {
  const waits = `log.info('begun'); if (job.input === 'good') return await new Promise((done) => signal.addEventListener('abort', () => done('told')));`;

  test('does not hurt them when it ends in its grace', async () => {
    await world.agent(
      'obeys',
      runs(`log.info('begun');
      if (job.input === 'late') await new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason)));
      for (let i = 0; i < 40; i++) { beat(); await new Promise((done) => setTimeout(done, 10)); }
      return 'whole';`),
      { concurrency: 2, limits: { timeoutMs: 5_000, silenceMs: 150, graceMs: 5_000 } },
    );
    const [late, good] = await side('obeys', ['late', 'good']);
    expect(await world.outcomeOf(late!)).toMatchObject({ is: 'failed', fault: { code: 'SILENT' } });
    expect(await world.outcomeOf(good!)).toMatchObject({ is: 'done', result: '"whole"' });
    expect(world.ends.filter(({ agent }) => agent === 'obeys')).toEqual([]);
  });

  test('fails of its timeout, and those beside it lose no attempt and hear why', async () => {
    await world.agent(
      'hangs',
      runs(`log.info('begun'); if (job.attempt > 1) return 'whole';
      if (job.input === 'bad') await new Promise(() => {});
      for (;;) { beat(); await new Promise((done) => setTimeout(done, 5)); }`),
      { concurrency: 3, limits: { timeoutMs: 60_000, silenceMs: 200, graceMs: 50 } },
    );
    const [good, bad, fine] = await side('hangs', ['good', 'bad', 'fine']);
    expect(await world.outcomeOf(bad!)).toMatchObject({ is: 'failed', fault: { code: 'SILENT' }, retry: true });
    for (const ref of [good!, fine!]) {
      expect(await world.outcomeOf(ref)).toMatchObject({
        ...{ is: 'failed', isFree: true, retry: 0 },
        fault: { code: 'NEIGHBOUR_FAILED', message: expect.stringContaining(bad!.job), data: { neighbour: bad!.job } },
      });
    }
    // The culprit is known: they may go on side by side.
    await world.until('room', () => world.workers.capacity('hangs') === 3);
    expect(await world.outcomeOf(again(good!))).toMatchObject({ is: 'done' });
    expect(world.ends.at(-1)).toMatchObject({ failed: [{ job: bad!.job }] });
  });

  test('is found when its error is thrown where nobody catches it', async () => {
    await world.agent(
      'throws',
      runs(`${waits} setTimeout(() => { throw new Error('boom'); }, 1); await new Promise(() => {});`),
      { concurrency: 2 },
    );
    const [good] = await side('throws', ['good']);
    const [bad] = world.dispatch('throws', ['bad']);
    expect(await world.outcomeOf(bad!)).toMatchObject({ is: 'failed', fault: { code: 'CRASHED', message: 'boom' } });
    expect(await world.outcomeOf(good!)).toMatchObject({ isFree: true, fault: { code: 'NEIGHBOUR_FAILED' } });
  });

  test.each([
    ['an event loop that does not turn', 'for (;;);', 'TIMEOUT'],
    ['memory', 'const kept = []; for (;;) { kept.push(new Array(1e4).fill(job.attempt)); await null; }', 'OVER_LIMIT'],
  ])('is found alone after the end by %s', async (what, body, code) => {
    const name = what.replaceAll(' ', '-');
    await world.agent(
      name,
      runs(`log.info('begun');
      if (job.input === 'bad' && job.attempt > 1) await new Promise(() => {});
      if (job.input === 'bad') { while (!globalThis.open) await new Promise((done) => setTimeout(done, 5)); ${body} }
      if (job.input === 'last') globalThis.open = true;
      if (job.attempt > 1) return 'whole';
      await new Promise(() => {});`),
      { concurrency: 3, limits: { timeoutMs: 1_500, silenceMs: 60_000, graceMs: 100, memoryBytes: 64 * 1024 * 1024 } },
    );
    const given = await side(name, ['good', 'bad', 'last']);
    for (const ref of given) {
      expect(await world.outcomeOf(ref)).toMatchObject({
        ...{ isFree: true, retry: 0 },
        fault: { code: 'CULPRIT_UNKNOWN', message: expect.stringContaining(code) },
      });
    }
    // Each is tried alone: the worker takes one at a time.
    await world.until('room for one', () => world.workers.capacity(name) === 1);
    expect(await world.outcomeOf(again(given[0]!))).toMatchObject({ is: 'done', result: '"whole"' });
    expect(await world.outcomeOf(again(given[2]!))).toMatchObject({ is: 'done', result: '"whole"' });
    await world.until('room for one', () => world.workers.capacity(name) === 1);
    const alone = await world.outcomeOf(again(given[1]!));
    expect(alone).toMatchObject({ is: 'failed', fault: { code: 'TIMEOUT' } });
    expect(alone).not.toHaveProperty('isFree');
    await world.until('room for all', () => world.workers.capacity(name) === 3);
  });
});
