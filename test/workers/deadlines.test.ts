import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, runs, type World } from './world.ts';

describe('a job that does not end', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  const tight = { limits: { timeoutMs: 100, silenceMs: 5_000, graceMs: 100 } };

  test('is aborted at its timeout, and its worker lives on when it obeys', async () => {
    await world.agent(
      'obeys',
      runs(`if (job.input === 'again') return 'still here';
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));`),
      tight,
    );
    const outcome = await world.run('obeys');
    expect(outcome).toMatchObject({ is: 'failed', retry: true, fault: { code: 'TIMEOUT' } });
    expect(outcome.finishedAt - outcome.startedAt).toBeLessThan(190);
    expect(await world.run('obeys', 'again')).toMatchObject({ result: '"still here"' });
    expect(world.ends).toEqual([]);
  });

  test('keeps the result that it gives within the grace', async () => {
    await world.agent(
      'tidies',
      runs(`await new Promise((done) => signal.addEventListener('abort', done)); return signal.reason.code;`),
      tight,
    );
    expect(await world.run('tidies')).toMatchObject({ is: 'done', result: '"TIMEOUT"' });
  });

  test.each([
    ['waits for ever', 'await new Promise(() => {});'],
    ['spins', 'for (;;);'],
    ['spins in microtasks', 'for (;;) await null;'],
    ['spins in a regular expression', `/^(a+)+$/.test('a'.repeat(40) + 'b');`],
    ['sleeps on shared memory', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'],
  ])('and %s is killed after the grace; the next job finds a new worker', async (_what, body) => {
    const before = world.ends.length;
    await world.agent('stuck', runs(`if (job.input) return 1; ${body}`), tight);
    const outcome = await world.run('stuck');
    expect(outcome).toMatchObject({ is: 'failed', retry: true, fault: { code: 'TIMEOUT' } });
    expect(outcome.finishedAt - outcome.startedAt).toBeLessThan(30_000);
    expect(await world.run('stuck', 'next')).toMatchObject({ is: 'done' });
    expect(world.ends.slice(before)).toMatchObject([{ agent: 'stuck', because: { code: 'TIMEOUT' } }]);
  });

  test('is silent when it shows no progress, and is told with its last beat', async () => {
    await world.agent('silent', runs(`beat('page 7'); await new Promise(() => {});`), {
      limits: { timeoutMs: 5_000, silenceMs: 100, graceMs: 50 },
    });
    const outcome = await world.run('silent');
    expect(outcome).toMatchObject({ fault: { code: 'SILENT', message: expect.stringContaining('page 7') } });
  });

  test('is not silent while it beats, logs or calls, even without yielding', async () => {
    await world.agent(
      'lively',
      runs(`const end = Date.now() + 400;
    let last = 0;
    while (Date.now() < end) if (Date.now() - last > 20) { last = Date.now(); beat(); }
    for (let i = 0; i < 6; i++) { log.info('x'); await new Promise((done) => setTimeout(done, 40)); }`),
      { limits: { timeoutMs: 5_000, silenceMs: 150, graceMs: 50 } },
    );
    expect(await world.run('lively')).toMatchObject({ is: 'done' });
  });

  test('ends as the host says when it is aborted from there', async () => {
    await world.agent('aborted', runs(`log.info('begun'); await new Promise(() => {});`));
    const [given] = world.dispatch('aborted');
    await world.begun('aborted');
    world.workers.abort(given!, { code: 'CANCELLED', message: 'a person cancelled it' });
    expect(await world.outcomeOf(given!)).toMatchObject({ is: 'failed', fault: { code: 'CANCELLED' } });
    expect(world.ends.at(-1)).toMatchObject({ because: { code: 'CANCELLED' } });
  });
});
