import { cpus } from 'node:os';
import type { Agent } from '../jobs/agent.ts';
import type { JobRecords } from '../jobs/ports.ts';
import {
  firstScaling,
  type Growth,
  planWorkers,
  SCALING,
  type ScalingFacts,
  type ScalingReason,
  type ScalingState,
} from '../jobs/scaling.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import type { Events } from '../telemetry/events.ts';
import type { WorkerReading, Workers } from '../workers/ports.ts';
import type { WorkTime } from '../workers/work-time.ts';
import type { HostBus } from './bus.ts';

/**
 * Fits the workers of each agent to its load, between the `min` and `max` of its file: looks twice a second, lets `planWorkers` decide,
 * and tells of each change with the figures that it was made of. Workers come and go by the placement; a running attempt is
 * never ended by it.
 */
export interface Scaling extends Service {
  /** Workers that the agent may have now; undefined: its file leaves no choice. */
  target(agent: Bounded): number | undefined;
  /** The newest look at the agent, and its newest change since the host began; undefined: its file leaves no choice. */
  view(agent: Bounded): ScalingView | undefined;
  /** Readings of workers, as they come. */
  readings(list: readonly Pick<WorkerReading, 'agent' | 'worker' | 'at' | 'cpu'>[]): void;
}

/** The part of an agent that scaling goes by. */
type Bounded = Pick<Agent, 'name' | 'workers'>;

/** The scaling of one agent, for people. */
interface ScalingView extends Pick<ScalingFacts, 'busy' | 'queueWaitMs' | 'cpu'> {
  target: number;
  /** `at`: epoch ms. */
  change: { at: number; from: number; to: number; reason: ScalingReason; why: string } | null;
}

interface ScalingNeeds {
  time: Time;
  log: Log;
  store: Pick<JobRecords, 'waiting'>;
  events: Pick<Events, 'record'>;
  /** Agents that may have jobs. */
  agents(): ReadonlyMap<string, Agent>;
  workers: Pick<Workers, 'load'>;
  /** Whether the agent's jobs wait on purpose. */
  isHeld(agent: string): boolean;
  growth(): Growth;
  /** How many more workers the host may start. Default: any number. */
  room?(): number;
  bus: Pick<HostBus, 'emit'>;
}

const EVERY_MS = 500;
/** The load is measured over the last second, or a little less where a look came early. */
const WINDOW_MS = SCALING.coolDownMs * 0.9;
/** A reading of a worker that is older says nothing about now. */
const FRESH_MS = 3_000;

interface Scaled {
  state: ScalingState;
  /** Work until each of the last turns, oldest first. */
  samples: (WorkTime & { at: number })[];
  /** By worker. */
  cpu: Map<string, { at: number; share: number }>;
  view: ScalingView;
}

export function createScaling(needs: ScalingNeeds): Scaling {
  const { time, log, store, events, workers } = needs;
  const scaled = new Map<string, Scaled>();
  const coreShare = createCoreShare();

  function known({ name, workers: bounds }: Bounded): Scaled {
    const found = scaled.get(name);
    if (found) return found;
    const state = firstScaling(bounds);
    const one = { state, samples: [], cpu: new Map(), view: viewOf(state) };
    scaled.set(name, one);
    return one;
  }

  /** The load of the agent until now; the wait of its jobs is asked later, where it matters. */
  function measure(agent: Bounded, one: Scaled, at: number): Omit<ScalingFacts, 'room'> {
    const { ready = 0, readyMs = 0, busyMs = 0 } = workers.load?.(agent.name) ?? {};
    one.samples.push({ at, readyMs, busyMs });
    while (one.samples.length > 2 && at - one.samples[1]!.at >= WINDOW_MS) one.samples.shift();
    const before = one.samples[0]!;
    const spanMs = readyMs - before.readyMs;
    return {
      ...{ at, ...agent.workers, workers: ready },
      busy: spanMs > 0 ? Math.min(1, (busyMs - before.busyMs) / spanMs) : null,
      queueWaitMs: 0,
      cpu: meanCpu(one, at),
      machineCpu: null,
      growth: needs.isHeld(agent.name) && needs.growth() === 'free' ? 'held' : needs.growth(),
    };
  }

  async function turn() {
    const at = time.monotonic();
    const scalable = [...needs.agents().values()].filter(isScalable);
    const names = new Set(scalable.map(({ name }) => name));
    for (const name of scaled.keys()) if (!names.has(name)) scaled.delete(name);
    const all = scalable.map((agent) => ({ agent, one: known(agent) }));
    const measured = all.map(({ agent, one }) => ({ agent, one, facts: measure(agent, one, at) }));
    if (measured.some(({ facts }) => isLoaded(facts))) {
      const waits = await waitsNow();
      const machineCpu = coreShare(at);
      for (const { agent, facts } of measured.filter((one) => isLoaded(one.facts)))
        Object.assign(facts, { queueWaitMs: waits.get(agent.name) ?? 0, machineCpu });
    }
    const changed: string[] = [];
    let room = needs.room?.() ?? Number.POSITIVE_INFINITY;
    for (const { agent, one, facts } of measured) {
      const more = decide(agent.name, one, { ...facts, room });
      // Agents that grow in one turn share the room that there is.
      room -= Math.max(0, more);
      if (more !== 0) changed.push(agent.name);
    }
    if (changed.length > 0) needs.bus.emit('placement.changed', changed);
  }

  async function waitsNow(): Promise<Map<string, number>> {
    const waiting = await store.waiting();
    return new Map(waiting.map(({ agent, inMs }) => [agent, Math.max(0, -inMs)]));
  }

  /** How many more workers the agent may have now; below 0: fewer. */
  function decide(agent: string, one: Scaled, facts: ScalingFacts): number {
    const from = one.state.target;
    const { target, reason, state } = planWorkers(facts, one.state);
    one.state = state;
    one.view = viewOf(state, facts, one.view);
    if (reason === null) return 0;
    const { why, data } = figuresOf(reason, facts);
    one.view.change = { at: time.now(), from, to: target, reason, why };
    // Work of the other number says nothing about this one.
    one.samples.splice(0, one.samples.length - 1);
    const message = `${agent}: ${from} → ${target} ${target === 1 ? 'worker' : 'workers'}, ${why}`;
    events.record('info', { kind: 'agent.scaled', agent, message, data: { from, to: target, reason, ...data } });
    return target - from;
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('the load of agents could not be read', { fault: toPlainFault(error) }) },
    { everyMs: EVERY_MS, turn },
  );

  return {
    start: loop.start,
    stop: loop.stop,
    alive: loop.alive,
    target: (agent) => (isScalable(agent) ? known(agent).state.target : undefined),
    view: (agent) => (isScalable(agent) ? known(agent).view : undefined),
    readings(list) {
      for (const { agent, worker, at, cpu } of list) {
        if (cpu !== null) scaled.get(agent)?.cpu.set(worker, { at, share: cpu });
      }
    },
  };
}

/** Whether the agent's file leaves a choice. The first worker of an agent with `min: 0` comes with its first job. */
function isScalable({ workers: { min, max } }: Bounded): boolean {
  return max > Math.max(1, min);
}

function isLoaded({ busy, cpu }: Pick<ScalingFacts, 'busy' | 'cpu'>): boolean {
  return Math.max(busy ?? 0, cpu ?? 0) >= SCALING.highLoad;
}

/** The mean of what its workers used in their last second; null: none was read lately. */
function meanCpu({ cpu }: Scaled, now: number): number | null {
  let sum = 0;
  for (const [worker, { at, share }] of cpu) {
    if (now - at > FRESH_MS) cpu.delete(worker);
    else sum += share;
  }
  return cpu.size === 0 ? null : sum / cpu.size;
}

function viewOf(
  { target }: ScalingState,
  { busy, queueWaitMs, cpu }: Pick<ScalingFacts, 'busy' | 'queueWaitMs' | 'cpu'> = {
    busy: null,
    queueWaitMs: 0,
    cpu: null,
  },
  { change }: Pick<ScalingView, 'change'> = { change: null },
): ScalingView {
  return { target, busy, queueWaitMs, cpu, change };
}

/** The figures that a change was made of: in words, and as the event keeps them. */
function figuresOf(reason: ScalingReason, { busy, queueWaitMs, cpu, machineCpu, growth, room }: ScalingFacts) {
  const shareOf = (share: number | null) => (share === null ? null : Math.round(share * 100) / 100);
  const data = {
    ...{
      busy: shareOf(busy),
      queueWaitMs: Math.round(queueWaitMs),
      cpu: shareOf(cpu),
      machineCpu: shareOf(machineCpu),
    },
    ...{ growth, ...(Number.isFinite(room) ? { room } : {}) },
  };
  const work = `at work ${Math.round((busy ?? 0) * 100)} % of their time`;
  const core = cpu === null ? '' : ` with ${Math.round(cpu * 100)} % of a core each`;
  const wait = queueWaitMs >= 1 ? `, the first job has waited ${formatDuration(queueWaitMs)}` : '';
  switch (reason) {
    case 'high-load':
      return { why: `they were ${work}${core}${wait}`, data };
    case 'low-load':
      return { why: `fewer were enough for the load; they were ${work} last`, data };
    case 'pressure':
      return { why: `the machine is short and they had no work; they were ${work}`, data };
    case 'file':
      return { why: 'its file has other bounds', data };
  }
}

/**
 * Answers the share of all cores that was in use since the call before, 0 … 1; null where that was less than a tenth of a second or more
 * than ten seconds ago. `now`: monotonic ms.
 */
function createCoreShare(): (now: number) => number | null {
  let before: { at: number; idle: number; total: number } | undefined;
  return (at) => {
    let idle = 0;
    let total = 0;
    for (const { times } of cpus()) {
      idle += times.idle;
      total += times.user + times.nice + times.sys + times.irq + times.idle;
    }
    const last = before;
    before = { at, idle, total };
    if (!last || at - last.at < 100 || at - last.at > 10_000 || total <= last.total) return null;
    return 1 - (idle - last.idle) / (total - last.total);
  };
}
