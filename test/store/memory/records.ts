import type { Job } from '../../../src/jobs/model.ts';
import { UNFINISHED } from '../../../src/jobs/model.ts';
import { pausedEvent, resumedEvent } from '../../../src/jobs/pause-events.ts';
import type { AttemptRef } from '../../../src/jobs/ports.ts';
import { debouncedBy } from '../../../src/kernel/debounce.ts';
import { Fault } from '../../../src/kernel/fault.ts';
import type { Slot, SlotDecision, SlotState } from '../../../src/schedule/ports.ts';
import { slotEvent } from '../../../src/schedule/slot-events.ts';
import { mayEnd } from '../../../src/schedule/slot-state.ts';
import type {
  CauseLine,
  EventBounds,
  Finding,
  FleetEvent,
  Heartbeat,
  KeptEvent,
  Listener,
} from '../../../src/telemetry/ports.ts';
import type { TestClock } from '../laws/world.ts';
import type { Calls, MemoryJobs, memoryJobs } from './jobs.ts';

interface Effect {
  key: string;
  begunAt: number;
  isDone: boolean;
  result: string | null;
  problem?: string;
}

/** Effects of a store in memory. */
export function memoryEffects(clock: TestClock, jobs: ReturnType<typeof memoryJobs>) {
  const ofJobs = new Map<string, Map<string, Effect>>();

  function fenced(ref: AttemptRef): Map<string, Effect> {
    if (!jobs.isHeld(ref)) throw new Fault({ code: 'FENCED', message: `${ref.job} is not held` });
    const effects = ofJobs.get(ref.job) ?? new Map<string, Effect>();
    ofJobs.set(ref.job, effects);
    return effects;
  }

  const calls: Calls = {
    beginEffect(ref: AttemptRef, key: string) {
      const effects = fenced(ref);
      const known = effects.get(key);
      if (known && !known.isDone) return { is: 'unknown' };
      if (known?.problem !== undefined) return { is: 'not-kept', problem: known.problem };
      if (known) return { is: 'done', result: known.result };
      effects.set(key, { key, begunAt: clock.now, isDone: false, result: null });
      return { is: 'new' };
    },
    endEffect(ref: AttemptRef, key: string, result: string | null, problem?: string) {
      const effects = fenced(ref);
      const begunAt = effects.get(key)?.begunAt ?? clock.now;
      effects.set(key, { key, begunAt, isDone: true, result, ...(problem === undefined ? {} : { problem }) });
    },
    dropEffect(ref: AttemptRef, key: string) {
      const effects = fenced(ref);
      if (effects.get(key)?.isDone === false) effects.delete(key);
    },
    effectsOf(job: string) {
      const order = (a: Effect, b: Effect) => a.begunAt - b.begunAt || (a.key < b.key ? -1 : 1);
      return [...(ofJobs.get(job)?.values() ?? [])].sort(order).map(({ begunAt: _, ...effect }) => effect);
    },
  };
  return { calls, forget: (job: string) => void ofJobs.delete(job) };
}

/** State and pauses of a store in memory. */
export function memoryState(
  clock: TestClock,
  pausesChanged: () => void,
  append: (events: FleetEvent[]) => void,
): Calls {
  const state = new Map<string, Map<string, { value: string; setAt: number }>>();
  const pauses = new Map<string, { since: number; until: number | null }>();
  const of = (agent: string) => {
    const own = state.get(agent) ?? new Map<string, { value: string; setAt: number }>();
    state.set(agent, own);
    return own;
  };
  const keysOf = (agent: string) => [...of(agent).keys()].sort();

  return {
    getState: (agent: string, key: string) => of(agent).get(key)?.value,
    setState: (agent: string, key: string, value: string) => void of(agent).set(key, { value, setAt: clock.now }),
    deleteState: (agent: string, key: string) => void of(agent).delete(key),
    stateKeys: keysOf,
    stateEntries: (agent: string, only?: string) =>
      keysOf(agent)
        .filter((key) => only === undefined || key === only)
        .map((key) => ({ key, ...of(agent).get(key)! })),
    stateSizes: () =>
      [...state.keys()]
        .sort()
        .filter((agent) => of(agent).size > 0)
        .map((agent) => {
          const bytes = [...of(agent).values()].reduce((sum, { value }) => sum + Buffer.byteLength(value), 0);
          return { agent, keys: of(agent).size, bytes };
        }),
    moveState(from: string, to: string) {
      const moved = keysOf(from).filter((key) => !of(to).has(key));
      for (const key of moved) {
        of(to).set(key, of(from).get(key)!);
        of(from).delete(key);
      }
      return moved;
    },
    pause(agent: string, forMs: number | null, who?: string) {
      const pause = { since: clock.now, until: forMs === null ? null : clock.now + forMs };
      pauses.set(agent, pause);
      append([pausedEvent(agent, { ...pause, who })]);
      pausesChanged();
      return pause;
    },
    resume(agent: string, until?: number, who?: string) {
      const isOver = (until === undefined || pauses.get(agent)?.until === until) && pauses.delete(agent);
      if (isOver && until === undefined) append([resumedEvent(agent, clock.now, who)]);
      pausesChanged();
      return isOver ? clock.now : null;
    },
    paused: () =>
      [...pauses].map(([agent, pause]) => ({ agent, ...pause })).sort((a, b) => (a.agent < b.agent ? -1 : 1)),
  };
}

/** Slots of a store in memory. */
export function memorySlots(
  clock: TestClock,
  jobs: ReturnType<typeof memoryJobs>,
  append: (events: FleetEvent[]) => void,
) {
  const rows = new Map<string, Slot>();
  const nameOf = (agent: string, due: number) => `${due} ${agent}`;
  const sorted = (wanted: (slot: Slot) => boolean) =>
    [...rows.values()].filter(wanted).sort((a, b) => a.due - b.due || (a.agent < b.agent ? -1 : 1));
  const unfinishedOf = (agent: string) =>
    jobs
      .all()
      .flatMap(({ job: { id, agent: of, slot, state } }) =>
        of === agent && slot !== null && (UNFINISHED as readonly string[]).includes(state) ? [{ id, slot }] : [],
      )
      .sort((a, b) => b.slot - a.slot);
  const newest = () =>
    [
      ...Map.groupBy(
        sorted(({ state }) => state !== 'cancelled'),
        ({ agent }) => agent,
      ),
    ]
      .map(([agent, of]) => ({ agent, due: of.at(-1)!.due }))
      .sort((a, b) => (a.agent < b.agent ? -1 : 1));

  function decide(decision: SlotDecision) {
    const { agent, due, state, reason, job } = decision;
    const name = nameOf(agent, due);
    const row = rows.get(name);
    if (!mayEnd(row?.state ?? 'unwritten', state)) return undefined;
    const id = job ? jobs.add({ ...job, slot: job.slot ?? due }).id : null;
    const plannedAt = row?.plannedAt ?? clock.now;
    rows.set(name, { agent, due, state, reason: reason ?? null, job: id, plannedAt, decidedAt: clock.now });
    const isEnd = (one: Slot) => one.agent === agent && one.due < due && !['planned', 'cancelled'].includes(one.state);
    const event = slotEvent(decision, sorted(isEnd).at(-1), clock.now);
    if (event) append([event]);
    return id;
  }

  const calls: Calls = {
    plan(slots: { agent: string; due: number }[]) {
      for (const { agent, due } of slots) {
        const known = rows.get(nameOf(agent, due));
        if (known && !(known.state === 'cancelled' && due > clock.now)) continue;
        const planned = { agent, due, state: 'planned', reason: null, job: null } as const;
        rows.set(nameOf(agent, due), { ...planned, plannedAt: clock.now, decidedAt: null });
      }
    },
    decide: (decisions: SlotDecision[]) => decisions.map(decide),
    cancelPlanned(agent: string, after: number, reason: string) {
      const gone = sorted((one) => one.agent === agent && one.state === 'planned' && one.due > after);
      for (const one of gone)
        rows.set(nameOf(agent, one.due), { ...one, state: 'cancelled', reason, decidedAt: clock.now });
      return gone.length;
    },
    dueSlots: (by: number, limit: number) =>
      sorted(({ state, due }) => state === 'planned' && due <= by)
        .slice(0, limit)
        .map((slot) => ({ ...slot, unfinished: unfinishedOf(slot.agent) })),
    slotJobs: (agents: string[]) => agents.map((agent) => ({ agent, unfinished: unfinishedOf(agent) })),
    newestSlots: newest,
    nextSlots: () =>
      [
        ...Map.groupBy(
          sorted(({ state }) => state === 'planned'),
          ({ agent }) => agent,
        ),
      ].map(([agent, of]) => ({
        agent,
        due: of[0]!.due,
      })),
    slots: ({ agent, from, to, states }: { agent?: string; from: number; to: number; states?: SlotState[] }) =>
      sorted(
        (one) =>
          (agent === undefined || one.agent === agent) &&
          one.due >= from &&
          one.due < to &&
          (states === undefined || states.includes(one.state)),
      ),
    slotFigures(from: number, to: number) {
      const period = sorted(({ due }) => due >= from && due < to);
      return [...Map.groupBy(period, ({ agent }) => agent)].map(([agent, of]) => {
        const count = (...states: SlotState[]) => of.filter(({ state }) => states.includes(state)).length;
        return { agent, kept: count('ran', 'caught-up'), missed: count('missed'), skipped: count('skipped') };
      });
    },
  };
  return {
    calls,
    prune(before: number, limit: number): number {
      const kept = new Set(newest().map(({ agent, due }) => nameOf(agent, due)));
      const old = sorted(
        ({ agent, due, state, decidedAt }) =>
          due < before && state !== 'planned' && decidedAt! < before && !kept.has(nameOf(agent, due)),
      ).slice(0, limit);
      for (const { agent, due } of old) rows.delete(nameOf(agent, due));
      return old.length;
    },
  };
}

/** Events of a store in memory. */
export function memoryEvents({ all, add, ancestors }: Pick<MemoryJobs, 'all' | 'add' | 'ancestors'>) {
  let events: KeptEvent[] = [];
  let ids = 0;
  const marks = new Map<string, number>();
  const newestAbout = new Map<string, number>();

  function append(more: FleetEvent[]): void {
    for (const { who = null, about = [], cameOf = [], ...event } of more) {
      const cause = cameOf.map((name) => newestAbout.get(name)).find((id) => id !== undefined) ?? null;
      events.push({ id: ++ids, ...event, who, cause });
      for (const name of about) newestAbout.set(name, ids);
    }
  }

  function causesOf(of: { id: number } | { about: string }, limit: number): CauseLine | undefined {
    const id = 'id' in of ? of.id : newestAbout.get(of.about);
    let next = events.find((one) => one.id === id);
    if (!next) return undefined;
    const line: KeptEvent[] = [];
    for (; next && line.length < limit; next = events.find((one) => one.id === line[0]!.cause)) line.unshift(next);
    const came = new Set([id]);
    const after = events.filter(({ id: one, cause }) => cause !== null && came.has(cause) && came.add(one));
    return { line, after: after.slice(0, limit), isWhole: line[0]!.cause === null };
  }

  function isOfEvent(job: unknown): boolean {
    const line = typeof job === 'string' ? ancestors(job) : [];
    return line.some(({ trigger, parent }) => trigger === 'event' && parent === null);
  }

  function tell({ agent, topics, attempts, debounce }: Listener, bounds: EventBounds) {
    const isWaiting = ({ job }: { job: Job }) =>
      job.agent === agent && (job.state === 'queued' || job.state === 'retrying');
    let room = bounds.waiting - all().filter(isWaiting).length;
    let jobs = 0;
    const found = events.filter(({ id }) => id > (marks.get(agent) ?? ids)).slice(0, bounds.events);
    if (!marks.has(agent)) marks.set(agent, ids);
    for (const { id, kind: topic, agent: about, at, message, data = {} } of found) {
      if (topics.includes(topic) && about !== agent && !isOfEvent(data.job)) {
        if (room <= 0) break;
        room -= 1;
        jobs += 1;
        const input = JSON.stringify({
          ...{ topic, from: null, id, at: new Date(at).toISOString() },
          ...{ agent: about, message, data },
        });
        add({
          ...{ agent, trigger: 'event', input, key: `host-event:${id}`, attempts },
          ...debouncedBy(debounce, input),
        });
      }
      marks.set(agent, id);
    }
    return { agent, jobs, isBehind: found.length === bounds.events && room > 0 };
  }

  const calls: Calls = {
    append,
    deliverEvents(listeners: Listener[], bounds: EventBounds) {
      const names = listeners.map(({ agent }) => agent);
      for (const agent of marks.keys()) if (!names.includes(agent)) marks.delete(agent);
      return listeners.map((one) => tell(one, bounds));
    },
    events: ({ kind, agent, since, limit }: { kind?: string; agent?: string; since?: number; limit: number }) =>
      events
        .filter((one) => kind === undefined || one.kind === kind)
        .filter((one) => agent === undefined || one.agent === agent)
        .filter((one) => since === undefined || one.at >= since)
        .sort((a, b) => b.at - a.at || b.id - a.id)
        .slice(0, limit),
    causesOf,
  };
  return {
    calls,
    append,
    prune(before: number, limit: number): number {
      const old = new Set(events.filter(({ at, id }) => at < before && id !== ids).slice(0, limit));
      events = events.filter((event) => !old.has(event));
      for (const [name, id] of newestAbout) if (id < (events[0]?.id ?? 0)) newestAbout.delete(name);
      return old.size;
    },
  };
}

/** Heartbeats of a store in memory. */
export function memoryHeartbeats() {
  const kept = new Map<string, Heartbeat>();
  const keyOf = ({ kind, name }: Pick<Heartbeat, 'kind' | 'name'>) => JSON.stringify([kind, name]);
  const calls: Calls = {
    putHeartbeats(heartbeats: Heartbeat[]) {
      for (const one of heartbeats) if ((kept.get(keyOf(one))?.at ?? -1) < one.at) kept.set(keyOf(one), one);
    },
    forgetHeartbeat: (kind: Heartbeat['kind'], name: string) => kept.delete(keyOf({ kind, name })),
    heartbeats: () => [...kept.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
  };
  return {
    calls,
    prune(before: number): number {
      const old = [...kept].filter(([, { at }]) => at < before);
      for (const [key] of old) kept.delete(key);
      return old.length;
    },
  };
}

/** Findings of a store in memory. */
export function memoryFindings() {
  const kept = new Map<string, Finding>();
  const keyOf = ({ kind, key }: Finding) => JSON.stringify([kind, key]);
  const calls: Calls = {
    putFinding: (finding: Finding) => void kept.set(keyOf(finding), structuredClone(finding)),
    findings: ({ kind, keys, limit }: { kind: string; keys?: string[]; limit: number }) =>
      [...kept.values()]
        .filter((one) => one.kind === kind && (keys?.includes(one.key) ?? true))
        .sort((a, b) => b.at - a.at || (a.key < b.key ? -1 : 1))
        .slice(0, limit),
  };
  return {
    calls,
    prune(before: number): number {
      const old = [...kept].filter(([, { at }]) => at < before);
      for (const [key] of old) kept.delete(key);
      return old.length;
    },
  };
}
