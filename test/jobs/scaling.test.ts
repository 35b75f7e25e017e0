import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstScaling, planWorkers, SCALING, type ScalingFacts, type ScalingState } from '../../src/jobs/scaling.ts';
import { type Arrival, simulateQueue, steadyLoad, type WorkerChange } from './queue-world.ts';

const BOUNDS = { min: 2, max: 6 };
const LOADED: ScalingFacts = {
  ...BOUNDS,
  at: 60_000,
  workers: 2,
  busy: 1,
  queueWaitMs: 400,
  cpu: null,
  machineCpu: null,
  growth: 'free',
  room: Number.POSITIVE_INFINITY,
};
const HOUR = 3_600_000;
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Looks at any facts at all, half a second apart, as no queue would give them. */
const anyLook = fc.record({
  workers: fc.nat(12),
  busy: fc.option(share),
  queueWaitMs: fc.oneof(fc.constant(0), fc.nat(5_000)),
  cpu: fc.option(share),
  machineCpu: fc.option(share),
  growth: fc.constantFrom('free' as const, 'free' as const, 'held' as const, 'shrink' as const),
  room: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(4)),
});
const anyBounds = fc
  .tuple(fc.nat(6), fc.integer({ min: 1, max: 12 }))
  .map(([min, more]) => ({ min, max: Math.max(1, min) + more - 1 }));

function replay(looks: readonly Partial<ScalingFacts>[], bounds: { min: number; max: number }) {
  const changes: WorkerChange[] = [];
  let state = firstScaling(bounds);
  for (const [index, look] of looks.entries()) {
    const facts = { ...LOADED, ...look, ...bounds, at: index * 500 };
    const plan = planWorkers(facts, state);
    if (plan.reason) {
      changes.push({ at: facts.at, from: state.target, to: plan.target, reason: plan.reason, facts });
    }
    state = plan.state;
  }
  return changes;
}

/** The laws that hold whatever the facts are. */
function expectLawful(changes: readonly WorkerChange[], { min, max }: { min: number; max: number }) {
  for (const [index, { at, from, to, reason, facts }] of changes.entries()) {
    expect(to).toBeGreaterThanOrEqual(Math.max(1, min));
    expect(to).toBeLessThanOrEqual(max);
    const before = changes[index - 1];
    if (before) expect(at - before.at).toBeGreaterThanOrEqual(SCALING.coolDownMs);
    if (before && reason === 'low-load') expect(at - before.at).toBeGreaterThanOrEqual(SCALING.stabilizationMs);
    if (to > from) {
      expect(facts.growth).toBe('free');
      expect(to - from).toBeLessThanOrEqual(facts.room);
      expect(facts.queueWaitMs).toBeGreaterThanOrEqual(SCALING.longWaitMs);
      expect(Math.max(facts.busy ?? 0, facts.cpu ?? 0)).toBeGreaterThanOrEqual(SCALING.highLoad);
    }
  }
}

describe('the decision of how many workers', () => {
  it.each<[string, Partial<ScalingFacts>, number]>([
    ['doubles where the workers are at work all the time', {}, 4],
    ['aims at the load where the load is known', { busy: 0.9, workers: 2 }, 3],
    ['stays where jobs wait and the workers are not at work', { busy: 0.3, queueWaitMs: HOUR }, 2],
    ['stays where the workers are at work and no job waits', { queueWaitMs: 0 }, 2],
    ['grows by a worker whose core is full while its time is not', { busy: 0.4, cpu: 0.97 }, 4],
    ['stays where the jobs burn cores and no core is left', { cpu: 0.6, machineCpu: 0.99 }, 2],
    ['grows where the jobs wait for others and another program burns the cores', { cpu: 0.1, machineCpu: 0.99 }, 4],
    ['stays while workers are still starting', { workers: 1 }, 2],
    ['stays while growth is held', { growth: 'held' }, 2],
    ['takes no more than the room of the host', { room: 1 }, 3],
    ['stays where the host has no room', { room: 0 }, 2],
    ['never goes above max', { max: 3 }, 3],
  ])('%s', (_, facts, target) => {
    expect(planWorkers({ ...LOADED, ...facts }, firstScaling(BOUNDS)).target).toBe(target);
  });

  it('follows the bounds of a changed file at once', () => {
    const state: ScalingState = { ...firstScaling(BOUNDS), target: 6, changedAt: LOADED.at };
    expect(planWorkers({ ...LOADED, max: 4 }, state)).toMatchObject({ target: 4, reason: 'file' });
    expect(planWorkers({ ...LOADED, min: 8, max: 8 }, state)).toMatchObject({ target: 8, reason: 'file' });
  });

  it('lets the third worker go where one job goes on, and keeps the second', () => {
    const looks = (workers: number, target: number) => {
      let state: ScalingState = { ...firstScaling({ min: 1, max: 6 }), target };
      for (let at = 0; at <= 60_000; at += 500) {
        // What is measured of a share is never quite a third.
        state = planWorkers({ ...LOADED, min: 1, at, workers, busy: 1 / workers + 1e-6, queueWaitMs: 0 }, state).state;
        if (state.target !== target) break;
      }
      return state.target;
    };
    expect(looks(3, 3)).toBe(2);
    expect(looks(2, 2)).toBe(2);
  });

  it('keeps what is at work, and min, when the machine is short', () => {
    const state: ScalingState = { ...firstScaling(BOUNDS), target: 6 };
    const short = { ...LOADED, workers: 6, growth: 'shrink' as const, queueWaitMs: 0 };
    expect(planWorkers({ ...short, busy: 0.6 }, state)).toMatchObject({ target: 4, reason: 'pressure' });
    expect(planWorkers({ ...short, busy: 0 }, state)).toMatchObject({ target: 2, reason: 'pressure' });
  });

  it('holds its laws for facts that no queue would give', () => {
    fc.assert(
      fc.property(fc.array(anyLook, { maxLength: 300 }), anyBounds, (looks, bounds) => {
        expectLawful(replay(looks, bounds), bounds);
      }),
      { numRuns: 500 },
    );
  });

  it('never grows by waiting alone, nor by work alone', () => {
    const alone = fc.oneof(
      anyLook.map((look) => ({ ...look, busy: (look.busy ?? 0) * 0.79, cpu: (look.cpu ?? 0) * 0.79 })),
      anyLook.map((look) => ({ ...look, queueWaitMs: look.queueWaitMs % SCALING.longWaitMs })),
    );
    fc.assert(
      fc.property(fc.array(alone, { maxLength: 200 }), anyBounds, (looks, bounds) => {
        expect(replay(looks, bounds).filter(({ from, to }) => to > from)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('workers of a queue', () => {
  it('go from two to six with a tenfold step, and are two again when it ends', () => {
    const load = [
      ...steadyLoad(0, 20_000, 10, 40),
      ...steadyLoad(20_000, 60_000, 100, 40),
      ...steadyLoad(60_000, 180_000, 10, 40),
    ];
    const { changes, waits, target } = simulateQueue(load, BOUNDS, 180_000);
    expect(changes.map(({ from, to, reason }) => [from, to, reason])).toEqual([
      [2, 4, 'high-load'],
      [4, 6, 'high-load'],
      // Half a second of the load is seen in the first look at the low load.
      [6, 5, 'low-load'],
      [5, 3, 'low-load'],
      [3, 2, 'low-load'],
    ]);
    expect(changes[1]!.at).toBeLessThanOrEqual(25_000);
    const late = waits.filter(({ at }) => at >= 30_000).map(({ ms }) => ms);
    expect(Math.max(...late)).toBeLessThanOrEqual(200);
    expect(waits).toHaveLength(load.length);
    expect(target).toBe(2);
  });

  it('come to rest with every constant load', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 8, noNaN: true }),
        fc.integer({ min: 5, max: 3_000 }),
        anyBounds,
        (load, ms, bounds) => {
          const { changes } = simulateQueue(
            steadyLoad(0, 120_000, (load * 1_000) / ms, ms),
            bounds,
            // What could not be done in time is done after it.
            120_000,
          );
          expectLawful(changes, bounds);
          // Up to the load, and down from an answer that was too large: never up again.
          const directions = changes.map(({ from, to }) => Math.sign(to - from));
          expect(directions).toEqual([...directions].sort((a, b) => b - a));
          expect(changes.filter(({ at }) => at > 90_000)).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('do not flap where the load lies on a threshold, with noise', () => {
    const near = fc.tuple(fc.constantFrom(0.5, 0.65, 0.8, 0.95), fc.integer({ min: 1, max: 6 }), fc.nat());
    fc.assert(
      fc.property(near, ([level, workers, seed]) => {
        const { changes } = simulateQueue(noisyLoad(level * workers, 600_000, seed), { min: 1, max: 8 }, 600_000);
        expectLawful(changes, { min: 1, max: 8 });
        expect(turnsOf(changes)).toBeLessThanOrEqual(4);
      }),
      { numRuns: 60 },
    );
  });

  it('follow work that comes and goes less and less often', () => {
    const load = Array.from({ length: 90 }, (_, i) => steadyLoad(i * 20_000, i * 20_000 + 5_000, 150, 40)).flat();
    const { changes } = simulateQueue(load, BOUNDS, 1_800_000);
    expectLawful(changes, BOUNDS);
    expect(changes.filter(({ at }) => at < 120_000).length).toBeGreaterThan(2);
    expect(changes.filter(({ at }) => at > 600_000)).toEqual([]);
  });

  it('come to rest with square waves of any period, those of the cool-down among them', () => {
    const anyWave = fc.record({
      periodMs: fc.oneof(fc.constantFrom(500, 1_000, 2_000, 10_000, 20_000), fc.integer({ min: 400, max: 40_000 })),
      on: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
      perSecond: fc.integer({ min: 20, max: 200 }),
      ms: fc.constantFrom(5, 40, 400),
    });
    fc.assert(
      fc.property(anyWave, ({ periodMs, on, perSecond, ms }) => {
        const load: Arrival[] = [];
        for (let at = 0; at < HOUR; at += periodMs) load.push(...steadyLoad(at, at + periodMs * on, perSecond, ms));
        // As many as two workers do on the whole, or there is no rest between two waves.
        const most = (HOUR / load.length) * 4;
        const { changes } = simulateQueue(
          load.map((job) => ({ ...job, ms: Math.min(ms, most) })),
          BOUNDS,
          HOUR,
        );
        expectLawful(changes, BOUNDS);
        expect(turnsOf(changes.filter(({ at }) => at > HOUR / 2))).toBeLessThanOrEqual(3);
      }),
      { numRuns: 25 },
    );
  });

  it('are enough for short jobs beside some that take five minutes, and do not flap for them', () => {
    const long = Array.from({ length: 12 }, (_, i) => ({ at: i * 150_000, ms: 300_000 }));
    const load = [...steadyLoad(0, HOUR / 2, 40, 5), ...long].sort((a, b) => a.at - b.at);
    const { changes, waits } = simulateQueue(load, { min: 1, max: 8 }, HOUR);
    expectLawful(changes, { min: 1, max: 8 });
    expect(turnsOf(changes)).toBeLessThanOrEqual(4);
    const late = waits.filter(({ ms }) => ms > 1_500);
    expect(late).toEqual([]);
  });

  it('hold the laws under any load, with pressure and little room at any time, and lose no job', () => {
    const stretch = fc.record({
      seconds: fc.integer({ min: 1, max: 40 }),
      perSecond: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 120 })),
      ms: fc.integer({ min: 1, max: 400 }),
      growth: fc.constantFrom('free' as const, 'free' as const, 'held' as const, 'shrink' as const),
      room: fc.constantFrom(0, 1, Number.POSITIVE_INFINITY),
    });
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 1, maxLength: 12 }), anyBounds, (stretches, bounds) => {
        let end = 0;
        const load: Arrival[] = [];
        const limits: { until: number; growth: ScalingFacts['growth']; room: number }[] = [];
        for (const { seconds, perSecond, ms, growth, room } of stretches) {
          if (perSecond > 0) load.push(...steadyLoad(end, end + seconds * 1_000, perSecond, ms));
          end += seconds * 1_000;
          limits.push({ until: end, growth, room });
        }
        const limitsAt = (at: number) => limits.find(({ until }) => at < until) ?? {};
        const { changes, waits } = simulateQueue(load, bounds, end + HOUR, limitsAt);
        expectLawful(changes, bounds);
        expect(waits).toHaveLength(load.length);
      }),
      { numRuns: 40 },
    );
  });
});

describe('load that was read on real hosts', () => {
  const file = join(import.meta.dirname, '../../bench/results/scaling.json');
  const { rounds }: { rounds: { history: number[][] }[] } = JSON.parse(readFileSync(file, 'utf8'));
  const looks = (history: readonly number[][]) =>
    history.map(([, workers, , busy, queueWaitMs, cpu]) => ({
      workers: workers!,
      busy: busy! < 0 ? null : busy!,
      queueWaitMs: queueWaitMs!,
      cpu: cpu! < 0 ? null : cpu!,
    }));

  it.each(rounds.map(({ history }, index) => [index + 1, history] as const))(
    'is followed up and down again, once, in round %i',
    (_, history) => {
      expect(history.length).toBeGreaterThan(150);
      const changes = replay(looks(history), BOUNDS);
      expectLawful(changes, BOUNDS);
      expect(Math.max(...changes.map(({ to }) => to))).toBe(6);
      expect(changes.at(-1)!.to).toBe(2);
      expect(turnsOf(changes)).toBe(1);
    },
  );

  it('holds the laws in any order, at any speed and with any bounds', () => {
    const all = rounds.flatMap(({ history }) => looks(history));
    const pieces = fc.array(
      fc.record({
        from: fc.nat(all.length - 1),
        count: fc.integer({ min: 1, max: 60 }),
        each: fc.integer({ min: 1, max: 4 }),
      }),
      {
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(pieces, anyBounds, (list, bounds) => {
        const history = list.flatMap(({ from, count, each }) =>
          all.slice(from, from + count).flatMap((look) => Array.from({ length: each }, () => look)),
        );
        expectLawful(replay(history, bounds), bounds);
      }),
      { numRuns: 300 },
    );
  });
});

/** Jobs of 20 to 60 ms at chance distances that keep `load` workers at work on the whole. */
function noisyLoad(load: number, untilMs: number, seed: number): Arrival[] {
  let word = seed + 1;
  const chance = () => {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    return (word + 0.5) / 2 ** 32;
  };
  const arrivals: Arrival[] = [];
  for (let at = 0; at < untilMs; at += (-Math.log(chance()) * 40) / load) {
    arrivals.push({ at, ms: 20 + 40 * chance() });
  }
  return arrivals;
}

/** How often the number went another way than before. */
function turnsOf(changes: readonly WorkerChange[]): number {
  const directions = changes.map(({ from, to }) => Math.sign(to - from));
  return directions.filter((direction, i) => i > 0 && direction !== directions[i - 1]).length;
}
