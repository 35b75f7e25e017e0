import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGENT_CLASSES, type AgentClass } from '../../src/jobs/agent.ts';
import { CLASS_DELAY_MS, inTurn, type WaitingAgent } from '../../src/jobs/fairness.ts';
import { mostWorkers } from '../../src/workers/most-workers.ts';
import { type PlacedWorker, planRoom, SLICE_MS } from '../../src/workers/room-plan.ts';

const MB = 1024 ** 2;
const TICK_MS = 1_000;

interface Load {
  class: AgentClass;
  /** How long each of its jobs takes. */
  jobMs: number;
  /** Pause from the end of its work to more work; 0: a backlog without end. */
  pauseMs: number;
  /** Workers that it keeps warm. */
  min: number;
}

const anyLoad: fc.Arbitrary<Load> = fc.record({
  class: fc.constantFrom(...AGENT_CLASSES),
  jobMs: fc.integer({ min: 1, max: 10_000 }),
  pauseMs: fc.constantFrom(0, 0, 1_000, 60_000),
  min: fc.constantFrom(0, 0, 0, 1),
});

/** Agents at work on so many places, tick after tick; tells of each wait for a place. */
function live(loads: readonly Load[], most: number, forMs: number) {
  interface Own {
    load: Load;
    name: string;
    waitsSince: number | null;
    worksFrom: number;
    worker: { id: number; since: number; jobEnd: number | null; idleSince: number | null; isLeaving: boolean } | null;
  }
  const own: Own[] = loads.map((load, i) => ({ load, name: `a${i}`, waitsSince: null, worksFrom: 0, worker: null }));
  const waits: { class: AgentClass; ms: number }[] = [];
  let ids = 0;
  for (let now = 0; now <= forMs; now += TICK_MS) {
    for (const one of own) {
      const { worker, load } = one;
      if (worker && worker.jobEnd !== null && worker.jobEnd <= now) {
        const isMore = load.pauseMs === 0;
        worker.jobEnd = isMore && !worker.isLeaving ? now + load.jobMs : null;
        if (!isMore) one.worksFrom = now + load.pauseMs;
        if (worker.jobEnd === null) worker.idleSince = now;
      }
      if (worker?.isLeaving && worker.jobEnd === null) one.worker = null;
      if (one.worker && one.worker.jobEnd === null && !one.worker.isLeaving && one.worksFrom <= now)
        Object.assign(one.worker, { jobEnd: now + load.jobMs, idleSince: null });
      if (!one.worker && one.waitsSince === null && one.worksFrom <= now) one.waitsSince = now;
    }
    const workers: PlacedWorker[] = own.flatMap(({ name, load, worker }) =>
      worker ? [{ ...worker, agent: name, class: load.class, isKept: load.min > 0 }] : [],
    );
    const waiting = own.flatMap(({ name, load, waitsSince }) =>
      waitsSince === null ? [] : [{ agent: name, class: load.class, since: waitsSince }],
    );
    const plan = planRoom({ now, most, workers, waiting });
    for (const one of own) {
      if (plan.start.includes(one.name)) {
        waits.push({ class: one.load.class, ms: now - one.waitsSince! });
        one.waitsSince = null;
        one.worker = { id: ++ids, since: now, jobEnd: now + one.load.jobMs, idleSince: null, isLeaving: false };
      }
      if (one.worker && plan.drain.includes(one.worker.id)) {
        one.worker.isLeaving = true;
        if (one.worker.jobEnd === null) one.worker = null;
      }
    }
    expect(own.filter(({ worker }) => worker !== null).length).toBeLessThanOrEqual(most);
  }
  const still = own.flatMap(({ load, waitsSince }) =>
    waitsSince === null ? [] : [{ class: load.class, ms: forMs - waitsSince }],
  );
  return { waits, still };
}

describe('room', () => {
  it('is never more than there is, and no agent waits for ever, whatever its class and whatever the others have to do', () => {
    fc.assert(
      fc.property(fc.array(anyLoad, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (loads, most) => {
        const { waits, still } = live(loads, most, 1_500_000);
        // After its turn an agent has at most all others before it, each of which makes room after its slice and a job.
        const behind = (loads.length + 1) * (SLICE_MS + 10_000 + 2 * TICK_MS);
        for (const { class: named, ms } of [...waits, ...still])
          expect(ms).toBeLessThanOrEqual(CLASS_DELAY_MS[named] + behind);
      }),
      { numRuns: 150 },
    );
  });

  it('goes to those that matter most, until others have waited long enough', () => {
    const endless = { jobMs: 1_000, pauseMs: 0, min: 0 };
    const loads: Load[] = [
      { ...endless, class: 'critical' },
      { ...endless, class: 'critical' },
      { ...endless, class: 'background' },
    ];
    const { waits } = live(loads, 1, 1_200_000);
    const longest = (named: AgentClass) => Math.max(...waits.flatMap((one) => (one.class === named ? [one.ms] : [])));
    expect(longest('critical')).toBeLessThan(15_000);
    expect(longest('background')).toBeGreaterThanOrEqual(CLASS_DELAY_MS.background);
    expect(waits.filter((one) => one.class === 'background').length).toBeGreaterThanOrEqual(3);
  });

  it('an agent overtakes none whose turn came before it began to wait', () => {
    const anyWaiting = fc.record({
      agent: fc.uuid(),
      class: fc.constantFrom(...AGENT_CLASSES),
      since: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(fc.array(anyWaiting, { maxLength: 20 }), (waiting) => {
        const line = inTurn(waiting);
        expect([...line].sort((a, b) => a.agent.localeCompare(b.agent))).toEqual(
          [...waiting].sort((a, b) => a.agent.localeCompare(b.agent)),
        );
        for (const [place, late] of line.entries())
          for (const first of line.slice(place + 1))
            expect(first.since + CLASS_DELAY_MS[first.class]).toBeGreaterThanOrEqual(late.since);
      }),
    );
  });

  const worker = (id: number, more: Partial<PlacedWorker> = {}): PlacedWorker => ({
    ...{ id, agent: `w${id}`, class: 'normal', since: 0, idleSince: null, isLeaving: false, isKept: false },
    ...more,
  });
  const waits = (agent: string, more: Partial<WaitingAgent> = {}): WaitingAgent => ({
    ...{ agent, class: 'normal', since: 10_000 },
    ...more,
  });
  const drained = (workers: PlacedWorker[], waiting: WaitingAgent[], now = 10_000) =>
    planRoom({ now, most: workers.length, workers, waiting }).drain;

  it('is made by workers without work first, those that are kept warm last of them, then by the agent with most workers', () => {
    const spare = worker(1, { idleSince: 9_000 });
    const older = worker(2, { idleSince: 8_000 });
    const kept = worker(3, { idleSince: 1_000, isKept: true });
    const busy = [worker(4, { agent: 'many' }), worker(5, { agent: 'many' }), worker(6)];
    expect(drained([spare, older, kept, ...busy], [waits('a')])).toEqual([2]);
    expect(drained([spare, kept, ...busy], [waits('a'), waits('b')])).toEqual([1, 3]);
    expect(drained([worker(6), ...busy.slice(0, 2)], [waits('a')])).toEqual([4]);
  });

  it('is not asked of a worker that just began, nor of more workers than agents wait for', () => {
    const fresh = worker(1, { since: 9_000 });
    expect(drained([fresh], [waits('a')])).toEqual([]);
    expect(drained([fresh], [waits('a')], 9_000 + SLICE_MS)).toEqual([1]);
    expect(drained([worker(1), worker(2, { isLeaving: true })], [waits('a')])).toEqual([]);
    expect(drained([worker(1), worker(2, { isLeaving: true })], [waits('a'), waits('b')])).toEqual([1]);
  });

  it('is not taken from a critical agent by one of the background before its time', () => {
    const critical = worker(1, { class: 'critical' });
    const background = waits('a', { class: 'background' });
    expect(drained([critical], [background], 10_000 + CLASS_DELAY_MS.background - 1)).toEqual([]);
    expect(drained([critical], [background], 10_000 + CLASS_DELAY_MS.background)).toEqual([1]);
  });

  it('is by default what cores and memory carry', () => {
    expect(mostWorkers({ cores: 2, memoryBytes: 8_192 * MB })).toBe(128);
    expect(mostWorkers({ cores: 16, memoryBytes: 2_048 * MB })).toBe(52);
    expect(mostWorkers({ cores: 1, memoryBytes: 256 * MB })).toBe(4);
  });
});
