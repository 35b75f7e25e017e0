import { HOUR_MS, MINUTE_MS } from '../kernel/measures.ts';
import type { Time } from '../kernel/time.ts';
import type { WorkerReading } from '../workers/ports.ts';
import type { Edges } from './edges.ts';
import { createMemoryHistory, type Leak, type MemoryHistory } from './forecast.ts';
import { highOf, riseOf } from './long-look.ts';
import { newestWith, type OpenIncident, type OpenIncidents } from './open-incidents.ts';
import type { Signals } from './signals.ts';
import type { VersionHeaps } from './version-heaps.ts';
import { leakWords } from './words.ts';

/** A worker that was not read for so long is gone. */
const GONE_AFTER_MS = 30_000;
/** Memory that was not seen to grow for so long has stopped. */
const OVER_AFTER_MS = HOUR_MS;
/** An edge is an agent's newest for so long. */
const HIGH_FOR_MS = 40 * MINUTE_MS;

/**
 * Follows the memory of every worker between two jobs: what a job holds and frees at its end is no leak. A leak is reported as soon as
 * the forecast of hours, or the long look of two days, is steady, unless the agent held as much at this hour of yesterday; the worker is
 * recycled between two jobs when little memory or time is left.
 */
export interface LeakWatch {
  read(list: readonly WorkerReading[]): void;
  /** Ends incidents of leaks that have gone by themselves. */
  look(): void;
  /** Agents whose memory between jobs is high, though it was not at this hour of yesterday. */
  high(): readonly HighMemory[];
}

/** Memory that an agent holds between jobs, of which 70 % of the limit are in use. */
interface HighMemory {
  agent: string;
  bytes: number;
  limitBytes: number;
  /** When the leak was seen, epoch ms. */
  at: number;
}

interface LeakWatchNeeds extends Pick<Signals, 'notice' | 'heal'> {
  time: Time;
  openIncidents: Pick<OpenIncidents, 'of' | 'all'>;
  edges: Pick<Edges, 'add' | 'of'>;
  /** Compares each version with the one before it. */
  heaps: Pick<VersionHeaps, 'add' | 'keepWorkers'>;
  /** Whether one job of the agent lasts as long as its worker. */
  runsAlways(agent: string): boolean;
}

interface WatchedWorker {
  history: MemoryHistory;
  at: number;
  /** The job of the newest reading. */
  job: string | null | undefined;
  /** Of the first reading, monotonic ms. */
  since: number;
  /** Jobs that have ended since then. */
  jobs: number;
  isSentAway: boolean;
}

export function createLeakWatch(needs: LeakWatchNeeds): LeakWatch {
  const { time, openIncidents, edges, heaps, runsAlways, notice, heal } = needs;
  const known = new Map<string, WatchedWorker>();
  /** The newest edge of each agent, where it is high and was not at this hour of yesterday. */
  const high = new Map<string, HighMemory>();

  function watchedOf({ worker, at }: WorkerReading): WatchedWorker {
    const entry = known.get(worker) ?? {
      history: createMemoryHistory(),
      at,
      job: undefined,
      since: at,
      jobs: 0,
      isSentAway: false,
    };
    known.set(worker, entry);
    return entry;
  }

  /** The leak that a reading between two jobs completes the sight of; null: none. */
  function leakIn(reading: WorkerReading, { history, ...life }: WatchedWorker): Leak | null {
    const { worker, agent, at, limitBytes } = reading;
    const bytes = reading.heapBytes + reading.externalBytes + reading.childrenBytes;
    heaps.add(reading, bytes, life);
    const isEdgeDone = edges.add(agent, worker, bytes);
    if (isEdgeDone) noteHigh(agent, limitBytes);
    const terms = { now: time.now(), limit: limitBytes, series: worker, isEdgeDone };
    return riseOf(history.add(at, bytes, limitBytes), edges.of(agent), terms);
  }

  function noteHigh(agent: string, limitBytes: number) {
    const bytes = highOf(edges.of(agent), time.now(), limitBytes);
    if (bytes === null) high.delete(agent);
    else high.set(agent, { agent, bytes, limitBytes, at: time.now() });
  }

  function reportLeak(
    { worker, agent, version, limitBytes, heapBytes, externalBytes, childrenBytes }: WorkerReading,
    leak: Leak,
  ) {
    const entry = known.get(worker)!;
    const one = newestWith(openIncidents.of(agent), 'leaking');
    if (one && (!leak.due || entry.isSentAway)) {
      one.lastAt = time.now();
      return;
    }
    entry.isSentAway = leak.due;
    const seen = leakWords(worker, leak, limitBytes);
    const perMinuteBytes = leak.perMinuteBytes;
    const memory = { heapBytes, externalBytes, childrenBytes, limitBytes, perMinuteBytes };
    const evidence = { at: time.now(), tookMs: 0, memory };
    const because = { code: 'LEAKING', message: seen, data: { leftMs: leak.leftMs } };
    notice({ agent, verdict: 'leaking', because, seen, worker, version, evidence }, leak.due ? {} : null);
  }

  function isWithoutRemedy({ incident }: OpenIncident): boolean {
    return incident.verdict === 'leaking' && incident.remedies.length === 0;
  }

  return {
    high: () => [...high.values()],
    read(list) {
      for (const reading of list) {
        const { agent, at, job, limitBytes } = reading;
        const entry = watchedOf(reading);
        const isBetween = job === null || job !== entry.job || runsAlways(agent);
        entry.at = at;
        if (entry.job && job !== entry.job) entry.jobs++;
        entry.job = job;
        const leak = isBetween && limitBytes > 0 ? leakIn(reading, entry) : null;
        if (leak) reportLeak(reading, leak);
      }
    },
    look() {
      const now = time.monotonic();
      for (const [worker, { at }] of known) if (now - at > GONE_AFTER_MS) known.delete(worker);
      heaps.keepWorkers(known);
      for (const [agent, { at }] of high) if (time.now() - at > HIGH_FOR_MS) high.delete(agent);
      for (const one of openIncidents.all().filter(isWithoutRemedy)) {
        if (one.worker === undefined || !known.has(one.worker)) heal(one, 'its worker is gone');
        else if (time.now() - one.lastAt > OVER_AFTER_MS) heal(one, 'its memory grows no more');
      }
    },
  };
}
