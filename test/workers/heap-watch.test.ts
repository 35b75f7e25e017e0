import type { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createHeapWatch } from '../../src/workers/inside/heap-watch.ts';

const EMPTY = JSON.stringify({
  head: {
    callFrame: { functionName: '(root)', url: '', lineNumber: -1, columnNumber: -1 },
    selfSize: 0,
    children: [],
  },
});

/** A worker whose heap profile starts when the test says so. */
function sampled() {
  const done: string[] = [];
  const starting = Promise.withResolvers<void>();
  const worker = {
    async startHeapProfile() {
      done.push('asked');
      await starting.promise;
      done.push('started');
      return {
        async stop() {
          done.push('stopped');
          return EMPTY;
        },
      };
    },
  } as unknown as Worker;
  return {
    done,
    start: starting.resolve,
    watch: createHeapWatch(worker, 100, { clock: () => 0, find: () => undefined }),
  };
}

test('sampling that is being started has stopped when the watch has ended: a thread that ends while it is sampled takes its process along', async () => {
  const { done, start, watch } = sampled();
  watch.look(80);
  const ended = watch.end().then(() => done.push('ended'));
  start();
  await ended;
  expect(done).toEqual(['asked', 'started', 'stopped', 'ended']);
});

test('a look at sampling that is being started waits for it', async () => {
  const { done, start, watch } = sampled();
  watch.look(80);
  const read = watch.read();
  start();
  expect(await read).toEqual([]);
  expect(done).toEqual(['asked', 'started', 'stopped']);
});

test('a watch that has ended samples nothing any more', async () => {
  const { done, start, watch } = sampled();
  start();
  await watch.end();
  watch.look(80);
  expect(await watch.read()).toBeUndefined();
  expect(done).toEqual([]);
});
