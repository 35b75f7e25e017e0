import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMemoryHistory, type Leak } from '../../src/healing/forecast.ts';

const MB = 1024 ** 2;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Chance that is the same each time. */
function dice(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Life {
  /** Share of the limit. */
  base: number;
  /** Height of the teeth of garbage collection, share of the limit. */
  teeth: number;
  toothMs: number;
  noise: number;
  daily: number;
}

/** What a worker holds: a load that changes every few hours and over the day, teeth of collection, noise, jobs that spike. */
function healthy(life: Life, chance: () => number): (at: number) => number {
  let level = life.base;
  let levelUntil = 0;
  let tooth = 0;
  let toothUntil = life.toothMs;
  let toothFrom = 0;
  return (at) => {
    if (at >= levelUntil) {
      level = life.base * (0.75 + 0.5 * chance());
      levelUntil = at + HOUR * (1 + 6 * chance());
    }
    if (at >= toothUntil) {
      toothFrom = at;
      toothUntil = at + life.toothMs * (0.6 + 0.8 * chance());
    }
    tooth = life.teeth * ((at - toothFrom) / (toothUntil - toothFrom));
    const spike = chance() < 0.01 ? 0.1 * chance() : 0;
    const day = life.daily * (1 + Math.sin((at / DAY) * 2 * Math.PI)) * 0.5;
    return level + tooth + spike + day + life.noise * (chance() - 0.5);
  };
}

it('never takes a noisy but healthy worker for leaking, in 1,000 days of many lives', () => {
  const limit = 256 * MB;
  const told: string[] = [];
  for (let seed = 1; seed <= 200; seed++) {
    const chance = dice(seed);
    const life: Life = {
      base: 0.1 + 0.3 * chance(),
      teeth: 0.3 * chance(),
      toothMs: 5_000 + chance() ** 3 * 20 * MINUTE,
      noise: 0.05 * chance(),
      daily: 0.15 * chance(),
    };
    const hold = healthy(life, chance);
    const history = createMemoryHistory();
    for (let at = 0; at < 5 * DAY; at += 30_000) {
      const leak = history.add(at, hold(at) * limit, limit);
      if (leak)
        told.push(`life ${seed} ${JSON.stringify(life)} after ${(at / HOUR).toFixed(1)} h: ${JSON.stringify(leak)}`);
    }
  }
  expect(told.slice(0, 5)).toEqual([]);
});

function firstTold(hold: (at: number) => number, limit: number, everyMs = 1_000) {
  const history = createMemoryHistory();
  let first: { at: number; leak: Leak } | undefined;
  let due: { at: number; leak: Leak } | undefined;
  for (let at = 0; hold(at) < limit && at < 2 * DAY; at += everyMs) {
    const leak = history.add(at, hold(at), limit);
    if (leak) first ??= { at, leak };
    if (leak?.due) due ??= { at, leak };
  }
  return { first, due };
}

it('tells a leak of 300 MB an hour more than two hours before the limit, and the worker has to go well before it', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.double({ min: 0, max: 0.05, noNaN: true }),
      fc.integer({ min: 5, max: 120 }),
      (seed, teeth, toothS) => {
        const limit = 1024 * MB;
        const perMs = (300 * MB) / HOUR;
        const chance = dice(seed);
        const saw = (at: number) => teeth * limit * ((at % (toothS * 1_000)) / (toothS * 1_000));
        const hold = (at: number) => 60 * MB + perMs * at + saw(at) + 4 * MB * chance();
        const { first, due } = firstTold(hold, limit, 5_000);
        const end = (limit - 60 * MB) / perMs;
        expect(end - first!.at).toBeGreaterThan(2 * HOUR);
        expect(first!.leak.leftMs).toBeGreaterThan(1.6 * HOUR);
        expect(Math.abs(first!.leak.perMinuteBytes - 5 * MB)).toBeLessThan(1 * MB);
        expect(end - due!.at).toBeGreaterThan(10 * MINUTE);
      },
    ),
    { numRuns: 15 },
  );
});

it('sees a slow leak hours before the limit, and one that needs a quarter of an hour before it is there', () => {
  const slow = firstTold((at) => 40 * MB + ((4 * MB) / HOUR) * at, 128 * MB, 10_000);
  expect(slow.first!.leak.leftMs).toBeGreaterThan(3 * HOUR);
  expect(slow.due).toBeDefined();
  const fast = firstTold((at) => 60 * MB + ((25 * MB) / MINUTE) * at, 512 * MB);
  expect(fast.due!.leak.usedBytes).toBeLessThan(500 * MB);
});

it('does not take warming up, a step to another load, or a recorded heap between two collections for a leak', () => {
  const limit = 128 * MB;
  const warm = (at: number) => (30 + 30 * (1 - Math.exp(-at / (10 * MINUTE)))) * MB;
  const step = (at: number) => (at < 90 * MINUTE ? 40 : 80) * MB;
  // Used heap of a cell in MB, read every 30 s: twenty minutes of growth until a full collection, three times.
  const RECORDED = [
    31, 33, 34, 36, 37, 39, 41, 42, 44, 46, 47, 49, 51, 52, 54, 56, 57, 59, 60, 62, 64, 65, 67, 68, 70, 71, 73, 75, 76,
    78, 80, 81, 83, 84, 86, 88, 89, 91, 92, 94, 32,
  ];
  const recorded = (at: number) => RECORDED[Math.floor(at / 30_000) % RECORDED.length]! * MB;
  for (const hold of [warm, step, recorded]) {
    const history = createMemoryHistory();
    for (let at = 0; at < 8 * HOUR; at += 10_000) expect(history.add(at, hold(at), limit)).toBeNull();
  }
});
