import type { Agent, ScheduleSpec } from '../../src/jobs/agent.ts';
import type { NewJob } from '../../src/jobs/model.ts';
import type { Hold } from '../../src/jobs/placement.ts';
import type { Log } from '../../src/kernel/log.ts';
import type { Time } from '../../src/kernel/time.ts';
import type { Slot, SlotDecision, SlotStore } from '../../src/schedule/ports.ts';
import { createSchedule, type Schedule } from '../../src/schedule/schedule.ts';
import { mayEnd } from '../../src/schedule/slot-state.ts';

/** Lets every promise that can resolve do so. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A clock that stands still until it is moved. The wall clock can be set apart from the monotonic one. */
export class Clock {
  wall: number;
  monotonic = 1_000;
  readonly #sleepers = new Set<{ at: number; wake(): void; owner: object }>();

  constructor(start: number) {
    this.wall = start;
  }

  timeFor(owner: object): Time {
    return {
      now: () => this.wall,
      monotonic: () => this.monotonic,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const sleeper = { at: this.monotonic + Math.max(ms, 0), wake: done, owner };
          const aborted = () => {
            this.#sleepers.delete(sleeper);
            reject(signal!.reason);
          };
          function done() {
            signal?.removeEventListener('abort', aborted);
            resolve();
          }
          signal?.addEventListener('abort', aborted, { once: true });
          this.#sleepers.add(sleeper);
        }),
      after: (ms, call) => {
        const sleeper = { at: this.monotonic + Math.max(ms, 0), wake: call, owner };
        this.#sleepers.add(sleeper);
        return () => void this.#sleepers.delete(sleeper);
      },
      random: () => 0.5,
    };
  }

  sleeping(owner: object): number {
    return [...this.#sleepers].filter((sleeper) => sleeper.owner === owner).length;
  }

  /** What a killed process slept on never wakes. */
  forget(owner: object) {
    for (const sleeper of this.#sleepers) if (sleeper.owner === owner) this.#sleepers.delete(sleeper);
  }

  /** Moves both clocks, stopping at each sleeper's time. */
  async advance(ms: number) {
    await settled();
    const end = this.monotonic + ms;
    for (;;) {
      const next = [...this.#sleepers].sort((a, b) => a.at - b.at)[0];
      const to = Math.min(next?.at ?? end, end);
      this.wall += Math.max(0, to - this.monotonic);
      this.monotonic = Math.max(to, this.monotonic);
      if (!next || next.at > end) return;
      this.#sleepers.delete(next);
      next.wake();
      await settled();
    }
  }
}

export interface JobRow extends NewJob {
  id: string;
  addedAt: number;
  finished: boolean;
  cancelled?: string;
}

/** Slots and jobs as a store keeps them: a small map with the port's promises. */
export class Shelf implements SlotStore {
  readonly rows = new Map<string, Slot>();
  readonly jobs: JobRow[] = [];
  /** Jobs are done at once, unless a test wants to see them wait. */
  finishAtOnce = true;
  /** The names of the calls, in order. */
  readonly called: (keyof SlotStore)[] = [];
  /** Decisions that it refuses. */
  refuses: (decision: SlotDecision) => boolean = () => false;
  /** Throws in its place. */
  failing: Error | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async plan(slots: { agent: string; due: number }[]) {
    const now = this.#called('plan');
    for (const { agent, due } of slots) {
      const row = this.rows.get(`${agent}@${due}`);
      if (row && !(row.state === 'cancelled' && due > now)) continue;
      this.#set({ agent, due, state: 'planned', reason: null, job: null, plannedAt: now, decidedAt: null });
    }
  }

  async dueSlots(by: number, limit: number) {
    this.#called('dueSlots');
    const rows = this.#sorted(({ state, due }) => state === 'planned' && due <= by).slice(0, limit);
    return rows.map((row) => ({ ...row, unfinished: this.unfinished(row.agent) }));
  }

  async slotJobs(agents: string[]) {
    this.#called('slotJobs');
    return agents.map((agent) => ({ agent, unfinished: this.unfinished(agent) }));
  }

  async decide(decisions: SlotDecision[]) {
    const now = this.#called('decide');
    if (decisions.some(this.refuses)) throw new Error('refused');
    return decisions.map(({ agent, due, state, reason, job }) => {
      const row = this.rows.get(`${agent}@${due}`);
      if (!mayEnd(row?.state ?? 'unwritten', state)) return undefined;
      const id = job ? this.#add(job, now) : null;
      const plannedAt = row?.plannedAt ?? now;
      this.#set({ agent, due, state, reason: reason ?? null, job: id, plannedAt, decidedAt: now });
      return id;
    });
  }

  async cancelPlanned(agent: string, after: number, reason: string) {
    const now = this.#called('cancelPlanned');
    const gone = this.#sorted((row) => row.agent === agent && row.state === 'planned' && row.due > after);
    for (const row of gone) this.#set({ ...row, state: 'cancelled', reason, decidedAt: now });
    return gone.length;
  }

  async newestSlots() {
    this.#called('newestSlots');
    return this.#edge(({ state }) => state !== 'cancelled', Math.max);
  }

  async nextSlots() {
    this.#called('nextSlots');
    return this.#edge(({ state }) => state === 'planned', Math.min);
  }

  async slots({ agent, from, to, states }: Parameters<SlotStore['slots']>[0]) {
    this.#called('slots');
    return this.#sorted(
      (row) =>
        (agent === undefined || row.agent === agent) &&
        row.due >= from &&
        row.due < to &&
        (states === undefined || states.includes(row.state)),
    ).slice(0, 10_000);
  }

  /** The agent's slots, oldest first. */
  of(agent: string): Slot[] {
    return this.#sorted((row) => row.agent === agent);
  }

  unfinished(agent: string) {
    return this.jobs
      .filter((job) => job.agent === agent && !job.finished)
      .flatMap(({ id, slot }) => (slot === undefined ? [] : [{ id, slot }]))
      .reverse();
  }

  #add(job: NewJob, now: number): string {
    const known = this.jobs.find(({ agent, key }) => agent === job.agent && key === job.key);
    if (known) return known.id;
    const id = `j-${this.jobs.length + 1}`;
    this.jobs.push({ ...job, id, addedAt: now, finished: this.finishAtOnce });
    return id;
  }

  #set(row: Slot) {
    this.rows.set(`${row.agent}@${row.due}`, row);
  }

  #sorted(wanted: (row: Slot) => boolean): Slot[] {
    return [...this.rows.values()].filter(wanted).sort((a, b) => a.due - b.due || (a.agent < b.agent ? -1 : 1));
  }

  #edge(wanted: (row: Slot) => boolean, choose: (...dues: number[]) => number) {
    return [...Map.groupBy(this.#sorted(wanted), ({ agent }) => agent)].map(([agent, rows]) => ({
      agent,
      due: choose(...rows.map(({ due }) => due)),
    }));
  }

  /** What the store's clock shows. */
  #called(name: keyof SlotStore): number {
    this.called.push(name);
    if (this.failing) throw this.failing;
    return this.#clock.wall;
  }
}

export type Crash = { call: number; applied: boolean };

/** One life of the schedule on the shelf; it can be killed in the middle of a store call. */
export interface Life {
  schedule: Schedule;
  killed: boolean;
  kill(): void;
}

export class World {
  readonly registry: Shelf;
  readonly clock: Clock;
  readonly lines: string[] = [];
  agents: Agent[] = [];
  /** What holds an agent's slot; nothing, unless a test says so. */
  holdOf: (agent: string, due: number) => Hold | null = () => null;
  letThrough: (agent: string, due: number) => boolean = () => false;
  life!: Life;

  constructor(start: string | number) {
    this.clock = new Clock(typeof start === 'number' ? start : Date.parse(start));
    this.registry = new Shelf(this.clock);
  }

  /** Starts the host anew; with `crash`, it is killed at that store call, before or after the call did its work. */
  async boot(crash?: Crash): Promise<Life> {
    const { clock, registry, lines } = this;
    const life = { killed: false } as Life;
    let calls = 0;
    const slots = new Proxy(registry, {
      get: (target, name: keyof SlotStore) => {
        return async (...args: never[]) => {
          if (life.killed) return never();
          const isLast = crash !== undefined && ++calls === crash.call;
          if (isLast && !crash.applied) return die();
          const answer = await (target[name] as (...all: never[]) => Promise<unknown>).apply(target, args);
          return isLast ? die() : answer;
        };
      },
    });
    const never = () => new Promise<never>(() => {});
    const die = () => {
      life.kill();
      return never();
    };
    const note = (message: string) => void lines.push(message);
    const log: Log = { debug: note, info: note, warn: note, error: note };
    life.schedule = createSchedule({
      time: clock.timeFor(life),
      log,
      slots: slots as SlotStore,
      cancelJob: async (id, why) => {
        const job = registry.jobs.find((one) => one.id === id)!;
        job.finished = true;
        job.cancelled = why.message;
      },
      holdOf: (agent, due) => this.holdOf(agent, due),
      letThrough: (agent, due) => this.letThrough(agent, due),
    });
    life.kill = () => {
      life.killed = true;
      clock.forget(life);
    };
    this.life = life;
    life.schedule.use(this.agents);
    await life.schedule.start();
    await settled();
    return life;
  }

  /** The agent's slots as short text: `02:00 ran`, in UTC; with seconds where they are not zero. */
  told(agent: string): string[] {
    return this.registry.of(agent).map(({ due, state }) => `${timeOf(due)} ${state}`);
  }

  states(agent: string): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { state } of this.registry.of(agent)) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  jobsOf(agent: string): JobRow[] {
    return this.registry.jobs.filter((job) => job.agent === agent);
  }
}

export function timeOf(due: number): string {
  const text = new Date(due).toISOString().slice(11, 19);
  return text.endsWith(':00') ? text.slice(0, 5) : text;
}

export function agentWith(
  name: string,
  expression: string,
  more: Partial<ScheduleSpec> & { staleAfterMs?: number } = {},
): Agent {
  const { staleAfterMs, ...spec } = more;
  return {
    name,
    about: '',
    version: { plugin: name, id: 'v1', file: '', mapFile: '' },
    schedule: { expression, timezone: 'UTC', catchUp: 'once', overlap: 'skip', jitterMs: 0, ...spec },
    on: [],
    firstRun: false,
    settings: {},
    limits: {
      memoryBytes: 1,
      timeoutMs: 1_000,
      silenceMs: 1_000,
      graceMs: 10,
      attempts: 3,
      backoff: { first: 1, longest: 2 },
      ...(staleAfterMs === undefined ? {} : { staleAfterMs }),
    },
    needs: { secrets: [], env: [], net: [], read: [], write: [], exec: [], modules: [], fleet: false, llm: false },
    workers: { min: 0, max: 1 },
    isolation: 'shared',
    fingerprint: 'f1',
  };
}
