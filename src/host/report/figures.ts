import type { Listing } from '../../catalog/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { BOUNDS, isWithin } from '../../kernel/bounds.ts';
import { DRILL_PREFIX, isDrillAgent } from '../../kernel/drill-agents.ts';
import { Fault, locationOf } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS, HOUR_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { FleetAgent, FleetReport } from '../../plugin/fleet.ts';
import type { MetricStore } from '../../telemetry/meter/ports.ts';
import type { AggregateStore, EventStore, FigureStore } from '../../telemetry/ports.ts';
import { type HourCount, hourCounts, stripOf, usualP95s } from './counts.ts';
import { type AgentSpeed, memoryPeaks, speedsOf } from './periods.ts';

/** The figures of a period: the same for agents that report, for the command and for the page. */
type PeriodFigures = Pick<FleetReport, 'from' | 'to' | 'agents' | 'hours' | 'failures'>;

export interface FigureNeeds {
  time: Time;
  store: Pick<JobRecords, 'list'> &
    FigureStore &
    Pick<EventStore, 'events'> &
    Pick<AggregateStore, 'aggregates' | 'durationSketches'> &
    Pick<MetricStore, 'metrics'>;
  listings(): Listing[];
  agents(): ReadonlyMap<string, Agent>;
  states(): Promise<AgentStates>;
}

type AgentStates = ReadonlyMap<string, { state: string; why: string }>;

/** Rows that figures are made of. */
interface Found {
  states: AgentStates;
  speeds: readonly AgentSpeed[];
  counts: ReadonlyMap<string, HourCount[]>;
  before: ReadonlyMap<string, HourCount[]>;
  speedsBefore: readonly AgentSpeed[];
  peaks: ReadonlyMap<string, number>;
  usual: ReadonlyMap<string, number>;
  period: { from: number; to: number };
  slots: Awaited<ReturnType<FigureStore['slotFigures']>>;
  /** Workers that ended otherwise than by a drain, in the period. */
  ended: readonly { agent: string | null }[];
}

const MOST_FAILURES = 20;

/** The work of agents from one moment (epoch ms) until before another. Throws `CALL_INVALID` for a period that is none. */
export async function figuresOf(needs: FigureNeeds, from: number, to: number): Promise<PeriodFigures> {
  // The host's loop goes through the hours one by one.
  if (!isWithin(to - from, BOUNDS.report)) throw periodInvalid();
  const { store } = needs;
  const [states, speeds, speedsBefore, before, peaks, usual, slots, counts, ends, failed] = await Promise.all([
    needs.states(),
    speedsOf(needs, from, to),
    speedsOf(needs, 2 * from - to, from),
    hourCounts(store, 2 * from - to, from),
    memoryPeaks(needs, from, to),
    usualP95s(store, from),
    store.slotFigures(from, to),
    hourCounts(store, from, to),
    store.events({ kind: 'worker.gone', since: from, limit: 10_000 }),
    store.list({ states: ['dead', 'retrying'], since: from - DAY_MS, exceptPrefix: DRILL_PREFIX, limit: 200 }),
  ]);
  const ended = ends.filter(({ at }) => at < to);
  const names = new Set([...needs.listings().map(({ name }) => name), ...counts.map(({ agent }) => agent)]);
  const found = {
    ...{ states, speeds, speedsBefore, peaks, usual, slots, ended, period: { from, to } },
    counts: Map.groupBy(counts, ({ agent }) => agent),
    before: Map.groupBy(before, ({ agent }) => agent),
  };
  return {
    from: isoOf(from),
    to: isoOf(to),
    agents: [...names]
      .filter((name) => !isDrillAgent(name))
      .sort()
      .map((name) => describe(needs, name, found)),
    hours: sumHours(counts, from, to),
    failures: failuresOf(failed, from, to),
  };
}

function describe(needs: FigureNeeds, name: string, found: Found): FleetAgent {
  const { states, speeds, slots, ended, period } = found;
  const listing = needs.listings().find((one) => one.name === name);
  const { p50Ms, p95Ms, p99Ms } = speeds.find(({ agent }) => agent === name) ?? NO_SPEEDS;
  const counts = found.counts.get(name) ?? [];
  const { kept = 0, missed = 0, skipped = 0 } = slots.find(({ agent }) => agent === name) ?? {};
  return {
    name,
    plugin: listing?.plugin ?? name,
    ...stateIn(states, name),
    schedule: needs.agents().get(name)?.schedule?.expression ?? null,
    ...{ ...sumOf(counts), p50Ms, p95Ms, p99Ms },
    restarts: ended.filter(({ agent }) => agent === name).length,
    slotsKept: kept,
    slotsMissed: missed,
    slotsSkipped: skipped,
    strip: stripOf(counts, period.from, period.to),
    usualP95Ms: found.usual.get(name) ?? null,
    memoryPeakBytes: found.peaks.get(name) ?? null,
    memoryLimitBytes: needs.agents().get(name)?.limits.memoryBytes ?? null,
    before: beforeOf(found, name),
  };
}

function sumOf(counts: readonly HourCount[]): Pick<FleetAgent, 'done' | 'dead' | 'failedAttempts'> {
  const sum = (of: 'done' | 'dead' | 'failedAttempts') => counts.reduce((all, count) => all + count[of], 0);
  return { done: sum('done'), dead: sum('dead'), failedAttempts: sum('failedAttempts') };
}

function beforeOf({ before, speedsBefore }: Found, name: string): FleetAgent['before'] {
  const counts = before.get(name);
  if (!counts) return null;
  const { done, dead } = sumOf(counts);
  return { done, dead, p95Ms: speedsBefore.find(({ agent }) => agent === name)?.p95Ms ?? null };
}

function stateIn(states: AgentStates, name: string): Pick<FleetAgent, 'state' | 'why'> {
  const { state, why } = states.get(name) ?? { state: 'off', why: 'not in the folders any more' };
  return { state, why };
}

/** Ended jobs of each hour, hours without any included. */
function sumHours(figures: Awaited<ReturnType<FigureStore['hourFigures']>>, from: number, to: number) {
  const byHour = new Map<number, { done: number; dead: number }>();
  for (let hour = from - (from % HOUR_MS); hour < to; hour += HOUR_MS) byHour.set(hour, { done: 0, dead: 0 });
  for (const { agent, hour, done, dead } of figures) {
    const sum = isDrillAgent(agent) ? undefined : byHour.get(hour);
    if (!sum) continue;
    sum.done += done;
    sum.dead += dead;
  }
  return [...byHour].map(([hour, sum]) => ({ at: isoOf(hour), ...sum }));
}

function failuresOf(jobs: readonly Job[], from: number, to: number): FleetReport['failures'] {
  const ended = jobs.flatMap(({ id, agent, error, finishedAt: at }) =>
    error && at !== null && at >= from && at < to ? { job: id, agent, at, error } : [],
  );
  return ended.slice(0, MOST_FAILURES).map(({ error, at, ...job }) => ({
    ...job,
    at: isoOf(at),
    error: error.message,
    where: locationOf(error) || null,
  }));
}

function periodInvalid(): Fault {
  const message = `the period of a report ends after it begins, and is at most ${formatDuration(BOUNDS.report.most)} long`;
  return new Fault({ code: 'CALL_INVALID', message });
}

const NO_SPEEDS = { p50Ms: null, p95Ms: null, p99Ms: null };
