import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { collectHeap, collectLargeHeap } from '../../src/fence/collect-heap.ts';

test.each([
  ['the heap of a thread with plugins', collectHeap],
  ['the heap of a host', collectLargeHeap],
])('%s is collected down to what is in use, and the collector is no global', async (_, collect) => {
  const kept = { text: 'kept' };
  const ofKept = new WeakRef(kept);
  const ofGarbage = new WeakRef({ text: 'garbage' });
  // A target is held until the end of the turn that made or read the reference.
  await setImmediate();
  collect();
  await setImmediate();
  expect(ofGarbage.deref()).toBeUndefined();
  expect(ofKept.deref()).toBe(kept);
  expect(globalThis).not.toHaveProperty('gc');
});
