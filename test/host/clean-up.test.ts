import { expect, test } from 'vitest';
import { largestOf } from '../../src/healing/pressure.ts';
import { cleanUp } from '../../src/host/healing.ts';

const MB = 1024 ** 2;
const given = (logs: number, versions: number) =>
  cleanUp({ journal: { shrink: () => logs }, catalog: { shrink: async () => versions } });

test('a clean-up tells what it gave back, and when nothing is left it says who has to act', async () => {
  expect(await given(3 * MB, 2 * MB)).toBe('given back: 3 MB of logs, 2 MB of old versions');
  expect(await given(0, MB)).toBe('given back: 1 MB of old versions');
  expect(await given(0, 0)).toBe('nothing is left that may be deleted: a person has to make room');
});

test('the worker that goes for memory is the largest that still takes work: each minute another one', () => {
  const workers = [
    { worker: 'w1', is: 'busy', memoryBytes: 10 },
    { worker: 'w2', is: 'draining', memoryBytes: 90 },
    { worker: 'w3', is: 'idle', memoryBytes: 20 },
    { worker: 'w4', is: 'starting', memoryBytes: null },
  ];
  expect(largestOf(workers)).toMatchObject({ worker: 'w3' });
  expect(largestOf(workers.slice(3))).toBeUndefined();
});
