import { HOUR_MS } from '../kernel/measures.ts';
import type { Time } from '../kernel/time.ts';
import type { WorkerReading } from '../workers/ports.ts';
import type { Edges } from './edges.ts';
import { createMemoryHistory, type Leak, type MemoryHistory } from './forecast.ts';
import { riseOf } from './long-look.ts';
import { newestWith, type OpenIncident, type OpenIncidents } from './open-incidents.ts';
import type { Signals } from './signals.ts';
import { leakWords } from './words.ts';

/** A worker that was not read for so long is gone. */
const GONE_AFTER_MS = 30_000;
/** Memory that was not seen to grow for so long has stopped. */
const OVER_AFTER_MS = HOUR_MS;

/**
 * Follows the memory of every worker between two jobs: what a job holds and frees at its end is no leak. A leak is reported as soon as
 * the forecast of hours, or the long look of two days, is steady, unless the agent held as much at this hour of yesterday; the worker is
 * recycled between two jobs when little memory or time is left.
 */
export interface LeakWatch {
  read(list: readonly WorkerReading[]): void;
  /** Ends incidents of leaks that have gone by themselves. */
  look(): void;
}

interface LeakWatchNeeds extends Pick<Signals, 'notice' | 'heal'> {
  time: Time;
  openIncidents: Pick<OpenIncidents, 'of' | 'all'>;
  edges: Pick<Edges, 'add' | 'of'>;
  /** Whether one job of the agent lasts as long as its worker. */
  runsAlways(agent: string): boolean;
}

interface WatchedWorker {
  history: MemoryHistory;
  at: number;
  /** The job of the newest reading. */
  job: string | null | undefined;
  isSentAway: boolean;
}

export function createLeakWatch({ time, openIncidents, edges, runsAlways, notice, heal }: LeakWatchNeeds): LeakWatch {
  const known = new Map<string, WatchedWorker>();

  function watchedOf({ worker, at }: WorkerReading): WatchedWorker {
    const entry = known.get(worker) ?? { history: createMemoryHistory(), at, job: undefined, isSentAway: false };
    known.set(worker, entry);
    return entry;
  }

  /** The leak that a reading between two jobs completes the sight of; null: none. */
  function leakIn({ worker, agent, at, limitBytes, ...held }: WorkerReading, { history }: WatchedWorker): Leak | null {
    const bytes = held.heapBytes + held.externalBytes + held.childrenBytes;
    const key = `memory:${agent}`;
    const isEdgeDone = edges.add(key, worker, bytes);
    const terms = { now: time.now(), limit: limitBytes, series: worker, isEdgeDone };
    return riseOf(history.add(at, bytes, limitBytes), edges.of(key), terms);
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
    read(list) {
      for (const reading of list) {
        const { agent, at, job, limitBytes } = reading;
        const entry = watchedOf(reading);
        const isBetween = job === null || job !== entry.job || runsAlways(agent);
        entry.at = at;
        entry.job = job;
        const leak = isBetween && limitBytes > 0 ? leakIn(reading, entry) : null;
        if (leak) reportLeak(reading, leak);
      }
    },
    look() {
      const now = time.monotonic();
      for (const [worker, { at }] of known) if (now - at > GONE_AFTER_MS) known.delete(worker);
      for (const one of openIncidents.all().filter(isWithoutRemedy)) {
        if (one.worker === undefined || !known.has(one.worker)) heal(one, 'its worker is gone');
        else if (time.now() - one.lastAt > OVER_AFTER_MS) heal(one, 'its memory grows no more');
      }
    },
  };
}
