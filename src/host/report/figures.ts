import type { Listing } from '../../catalog/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { BOUNDS, isWithin } from '../../kernel/bounds.ts';
import { DRILL_PREFIX, isDrillAgent } from '../../kernel/drill-agents.ts';
import { Fault, locationOf } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS, HOUR_MS } from '../../kernel/measures.ts';
import { mergeSketch, type Sketch, sketchQuantile } from '../../kernel/sketch.ts';
import { percentile } from '../../kernel/statistics.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { FleetAgent, FleetReport, FleetStripCell } from '../../plugin/fleet.ts';
import type { MetricStore } from '../../telemetry/meter/ports.ts';
import type { AggregateFilter, AggregateStore, EventStore, FigureStore } from '../../telemetry/ports.ts';
import { type HourCount, hourCounts } from './counts.ts';

interface PeriodNeeds {
  store: Pick<FigureStore, 'agentFigures'> & Pick<AggregateStore, 'durationSketches'> & Pick<MetricStore, 'metrics'>;
}

/** How long an agent's attempts took in a period, ms; null without one that was done. */
interface AgentSpeed {
  agent: string;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
}

/** Longer periods are read from the aggregates: jobs are too many, and are not kept as long. */
const EXACT_MS = 2 * DAY_MS;

/** Strips of periods up to two days have a cell for an hour, and tell of the newest day. */
const HOURLY_MS = 2 * DAY_MS;
const MOST_DAYS = 31;
/** The days before a period that say what is usual. */
const USUAL_DAYS = 7;

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

/** The cells of an agent's strip: the 24 hours before `to`, or the days of a longer period, at most the newest 31. */
function stripOf(counts: readonly HourCount[], from: number, to: number): FleetStripCell[] {
  const isHourly = to - from <= HOURLY_MS;
  const stepMs = isHourly ? HOUR_MS : DAY_MS;
  const begin = isHourly ? Math.floor(Math.max(from, to - DAY_MS) / HOUR_MS) * HOUR_MS : from;
  const cells = Array.from({ length: Math.ceil((to - begin) / stepMs) }, (_, i) => ({
    at: begin + i * stepMs,
    done: 0,
    dead: 0,
  }));
  for (const { hour, done, dead } of counts) {
    // The hour in which a period begins may have begun before.
    const cell = cells[Math.floor((Math.max(hour, from) - begin) / stepMs)];
    if (!cell) continue;
    cell.done += done;
    cell.dead += dead;
  }
  return cells.slice(-MOST_DAYS).map(({ at, ...rest }) => ({ at: isoOf(at), ...rest }));
}

/** The median of each agent's 95th percentiles of the seven days before (by UTC); ms. An agent without a job in them has none. */
async function usualP95s(store: Pick<AggregateStore, 'aggregates'>, before: number): Promise<Map<string, number>> {
  const to = Math.floor(before / DAY_MS) * DAY_MS;
  const days = await store.aggregates({ span: 'day', from: to - USUAL_DAYS * DAY_MS, to });
  const byAgent = Map.groupBy(days, ({ agent }) => agent);
  return new Map(
    [...byAgent].flatMap(([agent, rows]): [string, number][] => {
      const usual = percentile(
        rows.flatMap(({ p95Ms }) => (p95Ms === null ? [] : [p95Ms])).sort((a, b) => a - b),
        0.5,
      );
      return usual === null ? [] : [[agent, usual]];
    }),
  );
}

/** How long the attempts of agents took from one time until before another; of periods over two days within 2 %. */
async function speedsOf({ store }: PeriodNeeds, from: number, to: number): Promise<AgentSpeed[]> {
  if (to - from <= EXACT_MS) return store.agentFigures(from, to);
  const found = await Promise.all(partsOf(from, to).map((part) => store.durationSketches(part)));
  const sums = new Map<string, Sketch>();
  for (const { agent, durations } of found.flat()) {
    const sum = sums.get(agent) ?? new Map<number, number>();
    sums.set(agent, sum);
    mergeSketch(sum, durations);
  }
  return [...sums].map(([agent, sum]) => ({
    agent,
    p50Ms: sketchQuantile(sum, 0.5),
    p95Ms: sketchQuantile(sum, 0.95),
    p99Ms: sketchQuantile(sum, 0.99),
  }));
}

/** The most memory that one worker of each agent held in the period, where any was measured. */
async function memoryPeaks({ store }: PeriodNeeds, from: number, to: number): Promise<ReadonlyMap<string, number>> {
  const found = await Promise.all(partsOf(from, to).map((part) => store.metrics({ ...part, name: 'memory' })));
  const peaks = new Map<string, number>();
  for (const { agent, points } of found.flat()) {
    const levels = points.flatMap(({ value }) => (value.kind === 'gauge' ? [value.most] : []));
    if (agent !== null && levels.length > 0) peaks.set(agent, Math.max(...levels, peaks.get(agent) ?? 0));
  }
  return peaks;
}

/** A period in aggregates: its whole days (by UTC), and the hours before and after them. A month of hours would be a hundred times the rows. */
function partsOf(from: number, to: number): AggregateFilter[] {
  const begin = Math.floor(from / HOUR_MS) * HOUR_MS;
  const first = Math.ceil(begin / DAY_MS) * DAY_MS;
  const last = Math.floor(to / DAY_MS) * DAY_MS;
  if (first >= last) return [{ span: 'hour', from: begin, to }];
  const parts: AggregateFilter[] = [
    { span: 'hour', from: begin, to: first },
    { span: 'day', from: first, to: last },
    { span: 'hour', from: last, to },
  ];
  return parts.filter((part) => part.from < part.to);
}
