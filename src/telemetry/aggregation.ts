import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop, type Turn } from '../kernel/loop.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/measures.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Meter } from './meter/meter.ts';
import type { MetricStore } from './meter/ports.ts';
import type { AggregateStore } from './ports.ts';

/** Rolls minutes up to hours and days, and deletes what is older than it has to be kept. */
export interface Aggregation extends Service {
  /** A worker of the agent holds so much memory now. */
  memory(agent: string, bytes: number): void;
}

/** The time for which the store keeps each span: minutes two days, hours 90 days, days two years. */
const AGGREGATES_KEPT_MS = { minute: 2 * DAY_MS, hour: 90 * DAY_MS, day: 730 * DAY_MS } as const;

const EVERY_MS = MINUTE_MS;
/** Minutes of earlier hours change while a clock goes back, or when the host before was killed: all are rolled up again so often. */
const ALL_EVERY_MS = HOUR_MS;
/** The hours of which the store still holds all minutes. */
const HOURS_WITH_MINUTES = 47;
/** The number of jobs from before there were aggregates that one call sums up. */
const PAST_BATCH = 2_000;
/** The number of series that one call writes or rolls up. */
const SERIES_BATCH = 200;
/** Between two calls the store is left to the jobs. */
const PAUSE_MS = 20;

interface AggregationNeeds {
  time: Time;
  log: Log;
  store: AggregateStore & MetricStore;
  meter: Pick<Meter, 'take'>;
  /** Reads the levels of now into the meter. */
  read(): Promise<void>;
}

/** Turns each minute: the levels of the host, the hour and the day of now and those before; each hour and at start, all of two days. */
export function createAggregation({ time, log, store, meter, read }: AggregationNeeds): Aggregation {
  let allAt = Number.NEGATIVE_INFINITY;
  let isPastSummed = false;
  /** The most memory by agent and minute. */
  const peaks = new Map<string, { agent: string; at: number; bytes: number }>();

  async function turn(current: Turn) {
    await writePeaks();
    await read();
    await writeMetrics(current);
    if (!isPastSummed) await sumUpPast(current);
    const now = time.now();
    const isAll = time.monotonic() - allAt >= ALL_EVERY_MS;
    await rollUp('hour', isAll ? HOURS_WITH_MINUTES : 1, current);
    await rollUp('day', isAll ? 2 : 1, current);
    if (!isAll) return;
    const before = {
      minute: now - AGGREGATES_KEPT_MS.minute,
      hour: now - AGGREGATES_KEPT_MS.hour,
      day: now - AGGREGATES_KEPT_MS.day,
    };
    await store.pruneAggregates(before);
    await store.pruneMetrics(before);
    allAt = time.monotonic();
  }

  /** The starts of the span in which now lies and of so many before it, oldest first. */
  async function rollUp(span: 'hour' | 'day', before: number, { signal, progress }: Turn) {
    const now = time.now();
    for (let back = before; back >= 0; back--) {
      await store.rollUp(span, now - back * (span === 'hour' ? HOUR_MS : DAY_MS));
      progress();
      if (before > 2) await time.sleep(PAUSE_MS, signal);
    }
  }

  /** Sums up the jobs of a store that is older than its aggregates. */
  async function sumUpPast(current: Turn) {
    let summed = false;
    while (await store.sumUpPast(PAST_BATCH)) {
      summed = true;
      current.progress();
      await time.sleep(PAUSE_MS, current.signal);
    }
    await rollUp('hour', HOURS_WITH_MINUTES, current);
    await rollUp('day', AGGREGATES_KEPT_MS.hour / DAY_MS - 1, current);
    isPastSummed = true;
    if (summed) log.info('the jobs of before are summed up by hours and days');
  }

  /** Minutes that are over, then the hours and days that are. */
  async function writeMetrics({ signal, progress }: Turn) {
    const points = meter.take();
    for (let at = 0; at < points.length; at += SERIES_BATCH) {
      await store.putMetrics(points.slice(at, at + SERIES_BATCH));
      progress();
    }
    while (await store.rollUpMetrics(time.now(), SERIES_BATCH)) {
      progress();
      await time.sleep(PAUSE_MS, signal);
    }
  }

  async function writePeaks() {
    const batch = [...peaks.values()];
    peaks.clear();
    if (batch.length > 0) await store.putMemoryPeaks(batch);
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('runs could not be summed up', { fault: toPlainFault(error) }) },
    { everyMs: EVERY_MS, turn },
  );
  return {
    start: loop.start,
    stop: loop.stop,
    alive: loop.alive,
    memory(agent, bytes) {
      const at = time.now();
      const key = `${Math.floor(at / MINUTE_MS)} ${agent}`;
      const known = peaks.get(key);
      if (!known || bytes > known.bytes) peaks.set(key, { agent, at, bytes });
    },
  };
}
