import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, runs, type World } from './world.ts';

/**
 * An agent that was granted `node:worker_threads` has its port from there; the fences of all others keep it out of reach. With
 * a job `well` it works for a while.
 */
const posts = (
  messages: string,
) => `if (job.input === 'well') { await new Promise((done) => setTimeout(done, 300)); return 'well'; }
    const { workerData } = await import('node:worker_threads');
    let last = 1e6;
    for (const message of ${messages}) workerData.port.postMessage(message);
    await new Promise(() => {});`;

const ONCE = { limits: { attempts: 1, timeoutMs: 8_000 } };
const WITH_PORT = { ...ONCE, workers: { min: 0, max: 2 }, needs: { modules: ['node:worker_threads' as never] } };

/** Sentences of a plugin that reaches past its context, beside a neighbour that works in the same cell all the time. */
describe('a plugin that speaks past its context', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await world.agent(
      'neighbour',
      runs(`log.info('begun'); await new Promise((done) => setTimeout(done, 300)); return 'well';`),
    );
    await world.run('neighbour');
  });
  afterAll(() => world.close());

  /** The outcome of its job; the neighbour's job, which was under way in the same cell, is done as if nothing had been. */
  async function tryBeside(name: string, body: string) {
    await world.agent(name, runs(body), ONCE);
    const shared = world.workers.view().cells.find(({ is }) => is === 'shared')!.pid;
    const [beside] = world.dispatch('neighbour');
    const outcome = await world.run(name);
    expect(await world.outcomeOf(beside!)).toMatchObject({ is: 'done', result: '"well"' });
    // Spare cells come and go.
    expect(world.cells()).toContain(shared);
    expect(world.ends.filter(({ because }) => because.code === 'CELL_LOST')).toEqual([]);
    world.remove(name);
    return outcome;
  }

  /** The outcome of a job that sends them; another worker of the agent, in the same cell, does its job meanwhile. */
  async function sendBeside(messages: string) {
    const agent = await world.agent('posts', runs(posts(messages)), WITH_PORT);
    const [beside] = world.dispatch('posts', ['well']);
    const outcome = await world.run('posts', 'ill');
    expect(await world.outcomeOf(beside!)).toMatchObject({ is: 'done', result: '"well"' });
    expect(world.ends.filter(({ version }) => version === agent.version.id)).toHaveLength(1);
    expect(world.replaced).toEqual([]);
    world.remove('posts');
    return outcome;
  }

  const line = (change: string) =>
    `{ say: 'lines', lines: [{ at: Date.now(), level: 'info', job: '', message: 'x', data: null, ...${change} }] }`;

  test.each([
    ['lines without lines', `{ say: 'lines' }`],
    ['an end without an end', `{ say: 'ended' }`],
    ['nothing at all', 'undefined'],
    ['a level that is none', line(`{ level: 'nope' }`)],
    ['data that is no JSON', line(`{ data: '{bad' }`)],
    ['a message that is an object', line(`{ message: { toJSON: 1 } }`)],
    ['a line of 30 MB', line(`{ message: 'x'.repeat(30_000_000) }`)],
    ['a fault whose message is an object', `{ say: 'crashed', thrown: { code: 'X', message: {} } }`],
    [
      'a result that is an object',
      `{ say: 'ended', seq: 1, startedAt: 1, durationMs: 1, end: { is: 'done', result: {} } }`,
    ],
    [
      'a call with a value that JSON does not have',
      `{ say: 'call', seq: 1, id: 1e6, call: { ask: 'setState', key: 'k', value: 5n } }`,
    ],
    ['a word of nobody', `{ say: 'constructor' }`],
  ])('%s: its worker ends, and nobody else notices', async (_what, message) => {
    expect(await sendBeside(`[${message}]`)).toMatchObject({
      is: 'failed',
      fault: { code: 'MESSAGE_INVALID', message: expect.stringMatching(/^its worker sent /) },
    });
  });

  test('a flood of calls ends its own worker at the first one too many', async () => {
    const flood = `Array.from({ length: 100_000 }, () => ({ say: 'call', seq: 1, id: ++last, call: { ask: 'stateKeys' } }))`;
    const outcome = await sendBeside(flood);
    expect(outcome).toMatchObject({
      is: 'failed',
      fault: { message: 'its worker sent more than 1000 calls at a time' },
    });
    expect(world.calls.length).toBeLessThan(2_000);
  });

  test('a record of no size in the ring of its memory ends its worker', async () => {
    await world.agent(
      'rings',
      runs(`const { workerData } = await import('node:worker_threads');
      const marks = new Int32Array(workerData.memory);
      marks[1] = 64; workerData.port.postMessage(null); await new Promise(() => {});`),
      WITH_PORT,
    );
    expect(await world.run('rings')).toMatchObject({ is: 'failed', fault: { code: 'MESSAGE_INVALID' } });
    world.remove('rings');
  });

  test('a line with fields of its own, and in the name of a job of somebody else, is its own and no more', async () => {
    const forged = line(`{ message: 'forged', job: 'j1', agent: 'neighbour', worker: 'w1', room: 'host', fault: {} }`);
    await sendBeside(`[${forged}, { say: 'constructor' }]`);
    const found = await world.until('the line', () => world.lines.find(({ message }) => message === 'forged'));
    const { at, worker } = found;
    expect(found).toEqual({ at, level: 'info', agent: 'posts', job: '', worker, message: 'forged', data: null });
    expect(worker).not.toBe('w1');
  });

  test.each(['NaN', '8.7e15', "'soon'", 'performance.timeOrigin + performance.now() + 0.25'])(
    'a clock that says %s is the plugin’s own: its lines and ends have the time of day',
    async (now) => {
      const begun = Date.now();
      await world.agent(
        'clock',
        runs(`const before = Date.now; Date.now = () => ${now}; log.info('ticks', 5); return 1;`),
        ONCE,
      );
      for (let n = 0; n < 2; n++) {
        const { startedAt, finishedAt, is } = await world.run('clock');
        expect(is).toBe('done');
        for (const at of [startedAt, finishedAt]) {
          expect(Number.isSafeInteger(at)).toBe(true);
          expect(at).toBeGreaterThanOrEqual(begun - 1_000);
          expect(at).toBeLessThanOrEqual(Date.now() + 1_000);
        }
      }
      await world.until(
        'its lines',
        () => world.lines.filter(({ message, at }) => message === 'ticks' && at >= begun - 1_000).length >= 2,
      );
      world.remove('clock');
    },
  );

  test('a replaced JSON, or a polluted prototype, costs its own attempt at most', async () => {
    for (const poison of [`JSON.stringify = () => '{bad'`, `Object.prototype.level = 'nope'`, 'JSON.parse = () => 5'])
      await tryBeside('poison', `${poison}; log.info('hello', { a: 1 }); return 1;`);
  });

  test('values that are nested thousands deep are refused where they are handed over', async () => {
    const outcome = await tryBeside(
      'deep',
      'let value = 1; for (let n = 0; n < 9_000; n++) value = [value]; return value;',
    );
    expect(outcome).toMatchObject({ is: 'failed', fault: { code: 'TOO_LARGE' } });
  });

  test('what is written to the descriptors of the cell, or read from them, reaches nobody', async () => {
    const garbage = `const fs = await import('node:fs'); const told = [];
      for (let fd = 3; fd < 40; fd++) {
        try { fs.writeSync(fd, Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])); told.push('wrote ' + fd); } catch {}
        try { if (fs.readSync(fd, Buffer.alloc(64), 0, 64, null) > 0) told.push('read ' + fd); } catch {}
      }
      return told;`;
    expect(await tryBeside('descriptors', garbage)).toMatchObject({ is: 'done', result: '[]' });
  });
});
