import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop, type Turn } from '../kernel/loop.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/measures.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Meter } from './meter/meter.ts';
import type { MetricStore } from './meter/ports.ts';
import { isCounted } from './meter/series-table.ts';
import type { AggregateStore } from './ports.ts';

/** Rolls minutes up to hours and days, and deletes what is older than it has to be kept. */
export interface Aggregation extends Service {
  /** A worker of the agent holds so much memory now. */
  memory(agent: string, bytes: number): void;
}

/** The time for which the store keeps each span: minutes two days, hours 90 days, days two years. */
const KEPT_MS = { minute: 2 * DAY_MS, hour: 90 * DAY_MS, day: 730 * DAY_MS } as const;

const EVERY_MS = MINUTE_MS;
const PRUNE_EVERY_MS = HOUR_MS;
/** The number of jobs from before ends were counted that one call sums up. */
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

/** Turns each minute: reads the levels of the host, writes down the minutes that are over, and rolls up hours and days that are. */
export function createAggregation({ time, log, store, meter, read }: AggregationNeeds): Aggregation {
  let prunedAt = Number.NEGATIVE_INFINITY;
  let isPastSummed = false;
  /** The most memory by agent and minute. */
  const peaks = new Map<string, { agent: string; at: number; bytes: number }>();

  async function turn(current: Turn) {
    await writePeaks();
    await read();
    if (!isPastSummed) await sumUpPast(current);
    await writeMetrics(current);
    if (time.monotonic() - prunedAt < PRUNE_EVERY_MS) return;
    const now = time.now();
    await store.pruneMetrics({ minute: now - KEPT_MS.minute, hour: now - KEPT_MS.hour, day: now - KEPT_MS.day });
    prunedAt = time.monotonic();
  }

  /** Sums up the jobs of a store from before ends were counted. */
  async function sumUpPast(current: Turn) {
    let summed = false;
    while (await store.sumUpPast(PAST_BATCH)) {
      summed = true;
      current.progress();
      await time.sleep(PAUSE_MS, current.signal);
    }
    isPastSummed = true;
    if (summed) log.info('the jobs of before are summed up by hours and days');
  }

  /** Writes the minutes that are over, then rolls up the hours and days that are. The store has the ends of attempts itself. */
  async function writeMetrics({ signal, progress }: Turn) {
    const points = meter.take().filter(({ agent, name }) => agent === null || !isCounted(name));
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
