import { beforeEach, describe, expect, test } from 'vitest';
import { createIdleMemory } from '../../src/kernel/idle-memory.ts';

describe('a heap that has become idle is collected', () => {
  let now = 0;
  let isRunning = false;
  let heldBytes = 0;
  let collected = 0;
  let memory = open();

  function open() {
    return createIdleMemory({
      clock: () => now,
      idleMs: 1_000,
      isRunning: () => isRunning,
      heldBytes: () => heldBytes,
      collect: () => void collected++,
    });
  }
  function collectedAt(ms: number): number {
    now = ms;
    memory.look();
    return collected;
  }

  beforeEach(() => {
    now = heldBytes = collected = 0;
    isRunning = false;
    memory = open();
  });

  test('once, a second after it was used last', () => {
    expect(collectedAt(500_000)).toBe(0);
    memory.used();
    expect(collectedAt(500_999)).toBe(0);
    expect(collectedAt(501_000)).toBe(1);
    expect(collectedAt(900_000)).toBe(1);
  });

  test('not while a job runs, and a second after its end', () => {
    memory.used();
    isRunning = true;
    expect(collectedAt(10_000)).toBe(0);
    isRunning = false;
    expect(collectedAt(10_999)).toBe(0);
    expect(collectedAt(11_000)).toBe(1);
  });

  test('at most once in five minutes', () => {
    memory.used();
    expect(collectedAt(1_000)).toBe(1);
    memory.used();
    expect(collectedAt(300_999)).toBe(1);
    expect(collectedAt(301_000)).toBe(2);
  });

  test('not when it is large: a collection in one go would hold up the next job', () => {
    memory.used();
    heldBytes = 32 * 2 ** 20 + 1;
    expect(collectedAt(1_000)).toBe(0);
    heldBytes -= 1;
    expect(collectedAt(1_000)).toBe(1);
  });
});
