import { isoOf } from '../../kernel/instant.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../kernel/measures.ts';
import { labelsOf, type SeriesValue } from '../../kernel/series.ts';
import { sketchQuantile } from '../../kernel/sketch.ts';
import { percentile } from '../../kernel/statistics.ts';
import type { Time } from '../../kernel/time.ts';
import type { SeriesView } from '../../operations/results/series.ts';
import type { Ops } from '../../operations/table.ts';
import type { MetricSeries, MetricStore } from '../../telemetry/meter/ports.ts';
import { unitOf } from '../../telemetry/meter/series-table.ts';
import type { Aggregate, AggregateSpan, AggregateStore } from '../../telemetry/ports.ts';
import { instantOf } from './known.ts';

interface SeriesNeeds {
  time: Time;
  store: Pick<AggregateStore, 'aggregates'> & Pick<MetricStore, 'metrics'>;
}

/** The values of a series as they are shown. */
interface ShownSeries {
  agent: string | null;
  name: string;
  labels: string;
  kind: MetricSeries['kind'];
  points: { at: number; value: number }[];
}

/** Lengths of time up to which minutes, or hours, are the steps. */
const MOST_MINUTES_MS = 3 * HOUR_MS;
const MOST_HOURS_MS = 14 * DAY_MS;
const STEP_MS: Readonly<Record<AggregateSpan, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** The operation that reads what the meter measured, whether the host runs or not. */
export function seriesLookup(needs: SeriesNeeds) {
  return {
    async series({ agent, since, name }: Ops['series']['read']): Promise<SeriesView> {
      const now = needs.time.now();
      const asked = since === undefined ? now - DAY_MS : instantOf(since);
      const long = now - asked;
      const span = long <= MOST_MINUTES_MS ? 'minute' : long <= MOST_HOURS_MS ? 'hour' : 'day';
      const stepMs = STEP_MS[span];
      const [from, to] = [asked - (asked % stepMs), now - (now % stepMs) + stepMs];
      const all = await readSeries(needs, { agent: agent ?? null, span, from, to });
      return {
        from: isoOf(from),
        to: isoOf(to),
        stepMs,
        series: all
          .filter((one) => name === undefined || one.name === name)
          .map((one) => viewSeries(one, now - stepMs)),
      };
    },
  };
}

interface SeriesFilter {
  agent: string | null;
  span: AggregateSpan;
  from: number;
  to: number;
}

async function readSeries({ store }: SeriesNeeds, filter: SeriesFilter): Promise<ShownSeries[]> {
  const { agent, span, from, to } = filter;
  const [measured, counted] = await Promise.all([
    store.metrics(filter),
    agent === null ? [] : store.aggregates({ span, from, to, agent }),
  ]);
  const others = measured.filter(({ name }) => agent === null || !SHOWN_OF_COUNTS.has(name));
  const all = others.map(({ points, ...series }) => ({
    ...series,
    points: points.flatMap(({ at, value }) => {
      const number = numberOf(value);
      return number === null ? [] : [{ at, value: number }];
    }),
  }));
  return [...countedSeries(agent, counted), ...all].filter(({ points }) => points.length > 0);
}

/** Series that {@link countedSeries} has: of memory the most is shown, not the mean. */
const SHOWN_OF_COUNTS: ReadonlySet<string> = new Set(['jobs.late', 'memory']);

/** Counts that the store itself keeps of an agent, with the ends of its attempts. */
function countedSeries(agent: string | null, rows: readonly Aggregate[]): ShownSeries[] {
  const one = (name: string, kind: ShownSeries['kind'], of: (row: Aggregate) => number | null): ShownSeries => ({
    ...{ agent, name, labels: '', kind },
    points: rows.flatMap((row) => {
      const value = of(row);
      return value === null ? [] : [{ at: row.start, value }];
    }),
  });
  return [
    one('jobs', 'counter', ({ done }) => done),
    one('jobs.dead', 'counter', ({ dead }) => dead),
    one('attempts.failed', 'counter', ({ failedAttempts }) => failedAttempts),
    one('jobs.late', 'histogram', ({ lateP95Ms }) => lateP95Ms),
    one('memory', 'gauge', ({ memoryPeakBytes }) => memoryPeakBytes),
  ];
}

/** The sum of a counter, the mean of a gauge, the P95 of a histogram. */
function numberOf(value: SeriesValue): number | null {
  if (value.kind === 'counter') return value.sum;
  return value.kind === 'gauge' ? value.sum / value.count : sketchQuantile(value.sketch, 0.95);
}

/** `over`: steps that began then or before are over. The step that goes on is no figure of a counter yet. */
function viewSeries({ labels, points, ...series }: ShownSeries, over: number): SeriesView['series'][number] {
  const isNow = ({ at }: ShownSeries['points'][number]) => series.kind !== 'counter' || at <= over;
  const whole = points.filter(isNow);
  const newest = whole.at(-1);
  const before = whole.slice(0, -1).map(({ value }) => value);
  return {
    ...series,
    labels: labelsOf(labels),
    unit: unitOf(series.agent, series.name, series.kind),
    now: newest ? rounded(newest.value) : null,
    usual: roundedOrNull(
      percentile(
        before.sort((a, b) => a - b),
        0.5,
      ),
    ),
    points: points.map(({ at, value }) => ({ at: isoOf(at), value: rounded(value) })),
  };
}

function roundedOrNull(value: number | null): number | null {
  return value === null ? null : rounded(value);
}

/** Rounds to thousandths: more digits would look more exact than a figure is. */
function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
