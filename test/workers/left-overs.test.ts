import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, runs, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const linesOf = (agent: string) => world.lines.filter((line) => line.agent === agent);

describe('what a job leaves behind', () => {
  test.each([
    ['a timer', `later(() => { throw new Error('left over'); });`],
    ['a rejection', `later(() => void Promise.reject({ why: 'left over' }));`],
    [
      'an event',
      `const { EventEmitter } = await import('node:events'); const e = new EventEmitter(); later(() => e.emit('error', new Error('left over')));`,
    ],
    ['an exit', `later(() => { console.log('left over'); process.exit(7); });`],
  ])('and that throws is its own, not the next one’s: %s', async (what, body) => {
    const name = `leaves-${what.replaceAll(' ', '-')}`;
    await world.agent(
      name,
      runs(`const later = (what) => setTimeout(() => (globalThis.second ? what() : later(what)), 5);
      if (job.input === 'first') { ${body} return; }
      globalThis.second = true; await new Promise((done) => setTimeout(done, 80)); return 'fine';`),
    );
    const [first] = world.dispatch(name, ['first']);
    await world.outcomeOf(first!);
    const [second] = world.dispatch(name, ['second']);
    expect(await world.outcomeOf(second!)).toMatchObject({ is: 'done', result: '"fine"' });
    const found = await world.until('it', () => world.leftOvers.find(({ agent }) => agent === name));
    expect(found).toMatchObject({ job: first!.job, fault: { code: 'CRASHED', file: `plugins/${name}.ts` } });
    expect(found.fault.message).toContain(`left behind by ${first!.job}: `);
    const told = await world.until('a line', () =>
      linesOf(name).find(({ level, job }) => level === 'error' && job === first!.job),
    );
    expect(told.message).toContain(`left behind by ${first!.job}, and thrown after its end`);
    const before = world.outcomes.at(-1)!.worker;
    expect(await world.run(name)).toMatchObject({ is: 'done' });
    expect(world.outcomes.at(-1)!.worker).not.toBe(before);
    expect(world.ends.filter(({ agent }) => agent === name)).toEqual([]);
  });

  test('and that throws again and again is one incident of its kind', async () => {
    await world.agent(
      'again',
      runs(
        `setTimeout(() => { throw new Error('left ' + job.id); }, 5); if (job.input) await new Promise((done) => setTimeout(done, 40));`,
      ),
    );
    for (const input of [null, 1, null, 1]) await world.run('again', input);
    await world.until(
      'lines',
      () => linesOf('again').filter(({ message }) => message.startsWith('left behind')).length >= 1,
    );
    expect(world.leftOvers.filter(({ agent }) => agent === 'again').length).toBeLessThanOrEqual(1);
  });

  test('and prints is its own as well, and so is a half line', async () => {
    await world.agent(
      'halves',
      runs(`if (job.input === 'first') { process.stdout.write('half a line of the first'); setTimeout(() => console.log('late'), 20); return; }
      process.stdout.write('half of '); await new Promise((done) => setTimeout(done, 60)); console.log('the second');`),
    );
    const [first] = world.dispatch('halves', ['first']);
    await world.outcomeOf(first!);
    const [second] = world.dispatch('halves', ['second']);
    await world.outcomeOf(second!);
    const lines = await world.until('three', () => linesOf('halves').length === 3 && linesOf('halves'));
    expect(lines.map(({ job, message }) => [job, message])).toEqual([
      [first!.job, 'half a line of the first'],
      [first!.job, 'late'],
      [second!.job, 'half of the second'],
    ]);
  });

  test('and runs on is told once', async () => {
    await world.agent(
      'ticks',
      runs(`setInterval(() => {}, 1_000); const own = setInterval(() => {}, 9); clearInterval(own);`),
    );
    await world.run('ticks');
    await world.run('ticks');
    const told = await world.until('a warning', () => linesOf('ticks').find(({ level }) => level === 'warn'));
    expect(told).toMatchObject({ message: 'left a timer running after its job had ended: setInterval' });
    expect(JSON.parse(told.data!)).toMatchObject({ fault: { file: 'plugins/ticks.ts', line: 6 } });
    expect(linesOf('ticks')).toHaveLength(1);
  });

  test('a file that was not closed strikes nobody when it is found', async () => {
    await world.agent(
      'forgets',
      runs(`const { open } = await import('node:fs/promises');
      if (job.input === 'first') { await open(folder + '/out/file', 'w'); return; }
      for (let i = 0; i < 300 && !globalThis.found; i++) { globalThis.waste = Array.from({ length: 30_000 }, () => ({})); await new Promise((done) => setTimeout(done, 2)); }
      return 'fine';`),
      { needs: { write: ['out'] } },
    );
    await world.run('forgets', 'first');
    expect(await world.run('forgets', 'second')).toMatchObject({ is: 'done', result: '"fine"' });
    const found = await world.until('it', () => world.leftOvers.find(({ agent }) => agent === 'forgets'));
    expect(found).toMatchObject({ fault: { message: expect.stringContaining('left behind by') } });
  });

  test('a half line of a job that is about to be killed is told', async () => {
    await world.agent('hangs', runs(`process.stdout.write('half'); await new Promise(() => {});`), {
      limits: { timeoutMs: 200, graceMs: 300 },
    });
    expect(await world.run('hangs')).toMatchObject({ fault: { code: 'TIMEOUT' } });
    await world.until('it', () => linesOf('hangs').find(({ message }) => message === 'half'));
  });

  test('a half line is not lost when its worker is stopped', async () => {
    const other = await createWorld();
    await other.agent(
      'stopped',
      runs(
        `process.stdout.write('no end'); setTimeout(() => { process.stdout.write('after'); log.info('printed'); }, 5);`,
      ),
    );
    await other.run('stopped');
    await other.until('it', () => other.lines.find(({ message }) => message === 'printed'));
    await other.workers.drain(5_000);
    expect(other.lines.map(({ message }) => message)).toEqual(['no end', 'printed', 'after']);
    await other.close();
  });
});

describe('what is thrown where nobody catches', () => {
  test.each<[string, string, object]>([
    [
      'an object in a rejection',
      `Promise.reject({ status: 429 });`,
      { message: 'threw {"status":429} instead of an Error' },
    ],
    ['nothing in a rejection', `Promise.reject();`, { message: 'threw undefined instead of an Error' }],
    [
      'an object in a timer',
      `setTimeout(() => { throw Object.assign(Object.create(null), { status: 500 }); }, 1);`,
      { message: 'threw {"status":500} instead of an Error' },
    ],
    [
      'reasons',
      `Promise.reject(new AggregateError([new Error('mirror A'), 'mirror B'], 'all failed'));`,
      { message: 'all failed: mirror A; "mirror B"' },
    ],
    [
      'a cause',
      `setTimeout(() => { throw new Error('outer', { cause: new Error('inner') }); }, 1);`,
      { message: 'outer: inner' },
    ],
    ['an abort', `Promise.reject(new DOMException('went away', 'AbortError'));`, { message: 'went away' }],
    [
      'an event',
      `const { EventEmitter } = await import('node:events'); const e = new EventEmitter(); setTimeout(() => e.emit('error', new Error('heard')), 1);`,
      { message: 'heard' },
    ],
    [
      'a stream',
      `const { Readable } = await import('node:stream'); new Readable({ read() { this.destroy(new Error('dry')); } }).resume();`,
      { message: 'dry' },
    ],
  ])('keeps what it says: %s', async (what, body, fault) => {
    const name = `uncaught-${what.replaceAll(' ', '-')}`;
    await world.agent(name, runs(`${body} await new Promise((done) => setTimeout(done, 5_000));`));
    expect(await world.run(name)).toMatchObject({
      is: 'failed',
      retry: true,
      fault: { code: 'CRASHED', file: `plugins/${name}.ts`, ...fault },
    });
  });

  test('a right that was not given ends the job at once, there too', async () => {
    await world.agent(
      'streams',
      runs(
        `const fs = await import('node:fs'); fs.createReadStream('/etc/hostname').resume(); await new Promise((done) => setTimeout(done, 5_000));`,
      ),
    );
    expect(await world.run('streams')).toMatchObject({
      retry: false,
      fault: {
        code: 'NOT_IN_NEEDS',
        message: '/etc/hostname is not in needs.read of agent streams',
        file: 'plugins/streams.ts',
      },
    });
  });

  test('an author’s own code is no word of Daruma’s, whatever it is called', async () => {
    const thrown = `Object.assign(new Error('413'), { code: 'TOO_LARGE' })`;
    await world.agent(
      'coded',
      runs(`setTimeout(() => { throw ${thrown}; }, 1); await new Promise((done) => setTimeout(done, 5_000));`),
    );
    expect(await world.run('coded')).toMatchObject({ retry: true, fault: { code: 'CRASHED', message: '413' } });
    await world.agent('codes', runs(`throw ${thrown};`));
    expect(await world.run('codes')).toMatchObject({ retry: true, fault: { code: 'TOO_LARGE', message: '413' } });
  });

  test('is the plugin’s when it listens itself', async () => {
    await world.agent(
      'listens',
      runs(
        `process.on('uncaughtException', () => {}); setTimeout(() => { throw new Error('x'); }, 1); await new Promise((done) => setTimeout(done, 30)); return 1;`,
      ),
    );
    expect(await world.run('listens')).toMatchObject({ is: 'done' });
  });
});

test('stacks that are printed or logged stand in the author’s lines, without those of Daruma', async () => {
  await world.agent(
    'prints',
    runs(
      `console.error(new Error('printed')); log.error('logged', { error: new Error('in data', { cause: new Error('below') }) });`,
    ),
  );
  await world.run('prints');
  const lines = await world.until('lines', () => linesOf('prints').length >= 3 && linesOf('prints'));
  expect(lines.map(({ message }) => message)).toEqual([
    'Error: printed',
    expect.stringMatching(/^ +at Object.run \(plugins\/prints.ts:6:19\)$/),
    'logged',
  ]);
  const { error } = JSON.parse(lines[2]!.data!);
  expect(error).toMatchObject({
    message: 'in data',
    stack: expect.stringContaining('plugins/prints.ts:6:'),
    cause: { message: 'below' },
  });
  expect(error.stack).not.toContain('/workers/inside/');
});
