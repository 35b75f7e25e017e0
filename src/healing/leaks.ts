import { HOUR_MS } from '../kernel/measures.ts';
import type { Time } from '../kernel/time.ts';
import type { WorkerReading } from '../workers/ports.ts';
import { createMemoryHistory, type Leak, type MemoryHistory } from './forecast.ts';
import { newestWith, type OpenIncident, type OpenIncidents } from './open-incidents.ts';
import type { Signals } from './signals.ts';
import { leakWords } from './words.ts';

/** A worker that was not read for so long is gone. */
const GONE_AFTER_MS = 30_000;
/** Memory that was not seen to grow for so long has stopped. */
const OVER_AFTER_MS = HOUR_MS;

/**
 * Follows the memory of every worker. A leak is reported as soon as the forecast is steady; the worker is recycled between two
 * jobs when little memory or time is left.
 */
export interface LeakWatch {
  read(list: readonly WorkerReading[]): void;
  /** Ends incidents of leaks that have gone by themselves. */
  look(): void;
}

interface LeakWatchNeeds extends Pick<Signals, 'notice' | 'heal'> {
  time: Time;
  openIncidents: Pick<OpenIncidents, 'of' | 'all'>;
}

export function createLeakWatch({ time, openIncidents, notice, heal }: LeakWatchNeeds): LeakWatch {
  const known = new Map<string, { history: MemoryHistory; at: number; isSentAway: boolean }>();

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
        const { worker, at, limitBytes } = reading;
        const entry = known.get(worker) ?? { history: createMemoryHistory(), at, isSentAway: false };
        entry.at = at;
        known.set(worker, entry);
        const held = reading.heapBytes + reading.externalBytes + reading.childrenBytes;
        const leak = limitBytes > 0 ? entry.history.add(at, held, limitBytes) : null;
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
