import { firstScaling, planWorkers, type ScalingFacts, type ScalingReason } from '../../src/jobs/scaling.ts';

/** A job of the simulated queue: when it comes, and how long a worker is at work on it, in ms. */
export interface Arrival {
  at: number;
  ms: number;
}

export interface WorkerChange {
  at: number;
  from: number;
  to: number;
  reason: ScalingReason;
  facts: ScalingFacts;
}

const LOOK_MS = 500;
const WINDOW_MS = 1_000;
const BOOT_MS = 50;

interface SimulatedWorker {
  readyAt: number;
  /** Busy from … to, newest last. */
  spans: { from: number; to: number }[];
}

/**
 * A queue with workers that do one job at a time, in steps of looks: jobs wait in order, a worker that grows starts in 50 ms, and only
 * a worker without work is let go. Answers each change, and how long each job waited.
 */
export function simulateQueue(
  arrivals: readonly Arrival[],
  bounds: { min: number; max: number },
  untilMs: number,
  constraints: (at: number) => Partial<ScalingFacts> = () => ({}),
) {
  let state = firstScaling(bounds);
  const workers: SimulatedWorker[] = [];
  const changes: WorkerChange[] = [];
  const waits: { at: number; ms: number }[] = [];
  let next = 0;

  const freeAt = (worker: SimulatedWorker) => Math.max(worker.readyAt, worker.spans.at(-1)?.to ?? 0);

  function resize(now: number) {
    while (workers.length < state.target) workers.push({ readyAt: now + BOOT_MS, spans: [] });
    for (const worker of workers.filter((one) => freeAt(one) <= now)) {
      if (workers.length > state.target) workers.splice(workers.indexOf(worker), 1);
    }
  }

  function runUntil(end: number) {
    for (; next < arrivals.length; next++) {
      const job = arrivals[next]!;
      const first = workers.reduce((a, b) => (freeAt(b) < freeAt(a) ? b : a));
      const from = Math.max(job.at, freeAt(first));
      if (from >= end) return;
      first.spans.push({ from, to: from + job.ms });
      waits.push({ at: job.at, ms: from - job.at });
    }
  }

  function factsAt(at: number): ScalingFacts {
    const since = at - WINDOW_MS;
    let ready = 0;
    let busy = 0;
    for (const worker of workers) {
      ready += Math.max(0, at - Math.max(since, worker.readyAt));
      worker.spans = worker.spans.filter(({ to }) => to > since);
      for (const { from, to } of worker.spans) busy += Math.max(0, Math.min(to, at) - Math.max(from, since));
    }
    const first = arrivals[next];
    return {
      ...{ at, ...bounds, cpu: null, machineCpu: null, growth: 'free', room: Number.POSITIVE_INFINITY },
      workers: workers.filter(({ readyAt }) => readyAt <= at).length,
      busy: ready > 0 ? Math.min(1, busy / ready) : null,
      queueWaitMs: first && first.at <= at ? at - first.at : 0,
      ...constraints(at),
    };
  }

  for (let at = 0; at <= untilMs; at += LOOK_MS) {
    resize(at);
    runUntil(at);
    const facts = factsAt(at);
    const plan = planWorkers(facts, state);
    if (plan.reason) changes.push({ at, from: state.target, to: plan.target, reason: plan.reason, facts });
    state = plan.state;
  }
  return { changes, waits, target: state.target, state };
}

/** `perSecond` jobs of `ms` each, evenly from … until. */
export function steadyLoad(fromMs: number, untilMs: number, perSecond: number, ms: number): Arrival[] {
  const count = Math.floor(((untilMs - fromMs) / 1_000) * perSecond);
  return Array.from({ length: count }, (_, i) => ({ at: fromMs + (i * 1_000) / perSecond, ms }));
}
