import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOwnHeap } from '../../src/host/lifecycle/own-heap.ts';
import { Clock } from '../clock.ts';

/** What V8 does by itself has no such flag. */
const ASKED = constants.NODE_PERFORMANCE_GC_FLAGS_ALL_AVAILABLE_GARBAGE | constants.NODE_PERFORMANCE_GC_FLAGS_FORCED;
let collections = 0;
const observer = new PerformanceObserver((list) => {
  const details = list
    .getEntries()
    .map((entry) => (entry as PerformanceEntry & { detail: { kind: number; flags: number } }).detail);
  const asked = ({ kind, flags }: (typeof details)[0]) =>
    kind === constants.NODE_PERFORMANCE_GC_MAJOR && (flags & ASKED) > 0;
  if (details.some(asked)) collections++;
});
beforeEach(() => observer.observe({ entryTypes: ['gc'] }));
afterEach(() => observer.disconnect());

test('a host collects its heap a second after its start, and again when jobs have run since', async () => {
  const clock = new Clock();
  let used = () => {};
  let heldBytes = 0;
  const heap = createOwnHeap({
    time: clock,
    heldBytes: () => heldBytes,
    failed(error) {
      throw error;
    },
    onSettled(call) {
      used = call;
    },
  });
  const after = async (ms: number) => {
    await clock.pass(ms);
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    return collections;
  };
  await heap.start();
  try {
    expect(await after(900)).toBe(0);
    expect(await after(1_000)).toBe(1);
    expect(await after(900_000)).toBe(1);
    used();
    expect(await after(2_000)).toBe(2);
    // A heap of that size is left to V8.
    heldBytes = 64 * 2 ** 20;
    used();
    expect(await after(900_000)).toBe(2);
  } finally {
    await heap.stop();
  }
});
