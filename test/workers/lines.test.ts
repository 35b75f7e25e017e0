import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, runs, type World } from './world.ts';

describe('the lines of a plugin', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  const of = (agent: string) => world.lines.filter((line) => line.agent === agent);

  test('carry level, agent, job, worker and data', async () => {
    await world.agent(
      'writes',
      runs(`log.info('one', { n: 1 }); log.warn('two'); log.error('three', { error: new Error('x') });`),
    );
    const { job } = await world.run('writes');
    const lines = await world.until('three lines', () => of('writes').length === 3 && of('writes'));
    expect(lines[0]).toMatchObject({ level: 'info', agent: 'writes', job, message: 'one', data: '{"n":1}' });
    expect(lines[0]!.worker).toMatch(/^w\d+$/);
    expect(lines[1]).toMatchObject({ level: 'warn', message: 'two', data: null });
    expect(JSON.parse(lines[2]!.data!)).toMatchObject({ error: { message: 'x' } });
  });

  test('below the agent’s level stay in the worker, from now on or from its start', async () => {
    const body = `log.debug('debug'); log.info('info'); log.error('error');`;
    world.workers.level('chatty', 'debug');
    await world.agent('chatty', runs(body));
    await world.run('chatty');
    await world.until('three', () => of('chatty').length === 3);
    world.workers.level('chatty', 'error');
    await world.run('chatty');
    await world.until('one more', () => of('chatty').length === 4);
    expect(of('chatty').map(({ level }) => level)).toEqual(['debug', 'info', 'error', 'error']);
  });

  test('are what it prints as well', async () => {
    await world.agent(
      'prints',
      runs(`console.log('a %s', 1); console.error('b'); process.stdout.write('c\\nd\\n'); process.emitWarning('old');
      await new Promise(setImmediate);`),
    );
    const { job } = await world.run('prints');
    const lines = await world.until('five', () => of('prints').length === 5 && of('prints'));
    expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'info a 1',
      'error b',
      'info c',
      'info d',
      'warn Warning: old',
    ]);
    expect(lines.every((line) => line.job === job)).toBe(true);
  });

  test('are cut when they are long, and told when they are not JSON', async () => {
    await world.agent(
      'long',
      runs(`log.info('x'.repeat(100000), { y: 'y'.repeat(100000) }); const a = {}; a.a = a; log.info('cycle', a);`),
    );
    await world.run('long');
    const [first, second] = await world.until('two', () => of('long').length === 2 && of('long'));
    expect(first!.message.length).toBeLessThan(17_000);
    expect(first!.data!.length).toBeLessThan(17_000);
    expect(() => JSON.parse(first!.data!)).not.toThrow();
    expect(JSON.parse(second!.data!)).toMatchObject({ notJson: expect.stringContaining('circular') });
  });

  test('show what JSON cannot hold instead of losing it', async () => {
    await world.agent(
      'shows',
      runs(`log.info('odd', { map: new Map([['a', 1]]), set: new Set([1]), big: 5n, nan: NaN, call() {}, kind: Symbol('k'), later: Promise.resolve(1),
        error: new AggregateError([new Error('one')], 'all', { cause: 'why' }) });`),
    );
    await world.run('shows');
    const [line] = await world.until('it', () => of('shows').length === 1 && of('shows'));
    expect(JSON.parse(line!.data!)).toMatchObject({
      map: [['a', 1]],
      set: [1],
      big: '5',
      nan: 'NaN',
      call: '[function call]',
      kind: 'Symbol(k)',
      later: '[promise]',
      error: { message: 'all', cause: 'why', errors: [{ message: 'one' }] },
    });
  });

  test('that flood are left out, counted and told, and nobody else is slower for it', async () => {
    await world.agent(
      'floods',
      runs(`const words = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox', 'gnu', 'hen', 'ibex', 'jay'];
      for (let i = 0; i < 60000; i++) log.info(i % 2 ? 'line ' + i : [0, 1, 2, 3].map((n) => words[Math.floor(i / 10 ** n) % 10]).join(' '));
      console.log('still here');
      await new Promise((done) => setTimeout(done, 1200)); log.info('after');`),
      { limits: { timeoutMs: 60_000, silenceMs: 60_000 } },
    );
    await world.agent('beside', runs('return 1;'));
    await world.run('beside');
    const [given] = world.dispatch('floods');
    await world.run('beside');
    expect(world.outcomes.map(({ outcome }) => outcome.job)).not.toContain(given!.job);
    expect(await world.outcomeOf(given!)).toMatchObject({ is: 'done' });
    await world.until('the last', () => of('floods').some(({ message }) => message === 'after'));
    const told = of('floods').filter(({ message }) => /lines were dropped/.test(message));
    const dropped = told.reduce((sum, { message }) => sum + Number.parseInt(message, 10), 0);
    const repeats = () => of('floods').filter(({ message }) => message.startsWith('…'));
    const more = () => repeats().reduce((sum, { data }) => sum + JSON.parse(data!).more, 0);
    const kept = () => of('floods').length - told.length - repeats().length;
    expect(dropped).toBeGreaterThan(0);
    await world.until('all that was counted', () => kept() + more() + dropped >= 60_002);
    expect(kept() + more() + dropped).toBe(60_002);
    expect(kept()).toBeLessThan(8_000);
    expect(repeats().some(({ message }) => /^… \d+,\d{3} more like this: line \d+$/.test(message))).toBe(true);
  });

  test('of a job that is then killed are kept', async () => {
    await world.agent('dies', runs(`log.info('last words', { at: 1 }); for (;;);`), {
      limits: { timeoutMs: 80, graceMs: 20 },
    });
    await world.run('dies');
    await world.until('its line', () => of('dies').some(({ message }) => message === 'last words'));
  });
});
