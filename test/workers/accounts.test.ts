import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Assignment } from '../../src/jobs/model.ts';
import { createWorld, runs, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const NAMES = ['a', 'b', 'c'];

/** Code that does `mark()`, by each way that code goes on later in Node. */
const WAYS: Record<string, string> = {
  'after an await': 'await null; mark();',
  'in a timer': 'await new Promise((done) => setTimeout(() => { mark(); done(); }, 2));',
  'in an immediate': 'await new Promise((done) => setImmediate(() => { mark(); done(); }));',
  'in the next tick': 'await new Promise((done) => process.nextTick(() => { mark(); done(); }));',
  'in a microtask': 'await new Promise((done) => queueMicrotask(() => { mark(); done(); }));',
  'in a handler of an event':
    "const on = new EventEmitter(); on.on('it', mark); await new Promise((done) => setTimeout(done, 2)); on.emit('it');",
  'in a callback of a stream': "await new Promise((done) => Readable.from(['x']).on('data', mark).on('end', done));",
  'in a pipeline':
    'await pipeline(Readable.from(["x"]), async function* (from) { for await (const one of from) { mark(); yield one; } }, new Writable({ write(_c, _e, done) { done(); } }));',
  'in a callback of zlib': "await new Promise((done) => gzip('x', () => { mark(); done(); }));",
  'when its signal is aborted':
    "const told = new Promise((done) => signal.addEventListener('abort', () => { mark(); done(); }, { once: true })); log.info('listens'); await told;",
};
const IMPORTS = `import { EventEmitter } from 'node:events'; import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises'; import { gzip } from 'node:zlib';
`;

/** A plugin whose jobs all begin before any of them goes the way. */
const goes = (way: string) =>
  IMPORTS +
  runs(`const { name, throws, waits } = job.input;
    const mark = () => { if (throws) throw new Error('boom of ' + name); console.log('mark of ' + name); };
    globalThis.begun = (globalThis.begun ?? 0) + 1;
    log.info('begun');
    if (waits) return await new Promise(() => {});
    while (globalThis.begun < ${NAMES.length}) await new Promise((done) => setTimeout(done, 2));
    if (throws) { void (async () => { ${way} })(); return await new Promise(() => {}); }
    ${way}`);

async function started(agent: string, inputs: object[]): Promise<Assignment[]> {
  const given = world.dispatch(agent, inputs);
  await world.begun(agent, given.length);
  return given;
}

async function abort(refs: readonly Assignment[]) {
  const listens = ({ job }: Assignment) => world.lines.some((line) => line.job === job && line.message === 'listens');
  await world.until('all to listen', () => refs.every(listens));
  for (const ref of refs) world.workers.abort(ref, { code: 'CANCELLED', message: 'enough' });
}

describe.each(Object.entries(WAYS))('what a job of several does %s', (way, code) => {
  const isAborted = way.includes('aborted');
  const limits = { graceMs: 5_000 };

  test('is told as its own', async () => {
    const agent = `tells-${way.replaceAll(' ', '-')}`;
    await world.agent(agent, goes(code), { concurrency: 4, limits });
    const given = await started(
      agent,
      NAMES.map((name) => ({ name })),
    );
    if (isAborted) await abort(given);
    for (const [at, ref] of given.entries()) {
      const isMark = (line: { agent: string; message: string }) =>
        line.agent === agent && line.message === `mark of ${NAMES[at]}`;
      const line = await world.until(`the mark of ${NAMES[at]}`, () => world.lines.find(isMark));
      expect(line.job, NAMES[at]).toBe(ref.job);
    }
    await Promise.all(given.map((ref) => world.outcomeOf(ref)));
  });

  test('takes it alone down, where it throws what nobody catches', async () => {
    const agent = `throws-${way.replaceAll(' ', '-')}`;
    await world.agent(agent, goes(code), { concurrency: 4, limits });
    const [bad, ...good] = await started(agent, [
      { name: 'bad', throws: true },
      { name: 'b', waits: true },
      { name: 'c', waits: true },
    ]);
    if (isAborted) await abort([bad!]);
    expect(await world.outcomeOf(bad!)).toMatchObject({ fault: { code: 'CRASHED', message: 'boom of bad' } });
    for (const ref of good)
      expect(await world.outcomeOf(ref)).toMatchObject({
        ...{ isFree: true, retry: 0 },
        fault: { code: 'NEIGHBOUR_FAILED', data: { neighbour: bad!.job } },
      });
  });
});
