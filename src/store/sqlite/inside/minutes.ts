import type { DatabaseSync } from 'node:sqlite';
import { MINUTE_MS } from '../../../kernel/measures.ts';
import { addToSketch } from '../../../kernel/sketch.ts';
import { type AggregateCounts, aggregateRows, mergeCounts, noCounts, startOf } from './aggregate-rows.ts';

/**
 * Counts each agent's minute: in memory while a group is carried out, then in one row for each agent and minute, within the
 * transaction of the group. A count is kept exactly when the ends that it counts are.
 */
export interface MinuteCounts {
  /** Counts an attempt that ended. Cancelled attempts are not counted. */
  count(state: string, agent: string, startedAt: number, finishedAt: number): void;
  /** A job got its first attempt so long after it was due. */
  late(agent: string, now: number, ms: number): void;
  /** A worker of the agent held so much memory. */
  memory(agent: string, at: number, bytes: number): void;
  /** Writes down what was counted. */
  flush(): void;
  /** Rows were changed elsewhere: the next count reads them again. */
  forgetRows(): void;
  /** Forgets what was counted, because it was rolled back. */
  clear(): void;
}

interface Minute {
  start: number;
  counts: AggregateCounts;
}

export function minuteCounts(db: DatabaseSync): MinuteCounts {
  const rows = aggregateRows(db);
  const counted = new Map<string, Minute[]>();
  /** The newest row of each agent, as it stands in the file: the next group adds to it without reading. */
  const written = new Map<string, Minute>();

  function countsAt(agent: string, at: number): AggregateCounts {
    const start = startOf(MINUTE_MS, at);
    const minutes = counted.get(agent) ?? [];
    if (minutes.length === 0) counted.set(agent, minutes);
    for (const minute of minutes) if (minute.start === start) return minute.counts;
    const fresh = { start, counts: noCounts() };
    minutes.push(fresh);
    return fresh.counts;
  }

  return {
    count(state, agent, startedAt, finishedAt) {
      if (state === 'cancelled') return;
      const counts = countsAt(agent, finishedAt);
      if (state !== 'done') counts.failedAttempts++;
      if (state === 'dead') counts.dead++;
      if (state !== 'done') return;
      counts.done++;
      addToSketch(counts.durations, finishedAt - startedAt);
    },
    late: (agent, now, ms) => addToSketch(countsAt(agent, now).lateness, ms),
    memory(agent, at, bytes) {
      const counts = countsAt(agent, at);
      counts.memoryPeak = Math.max(counts.memoryPeak ?? 0, bytes);
    },
    flush() {
      if (counted.size === 0) return;
      for (const [agent, minutes] of counted) {
        for (const { start, counts } of minutes) {
          const known = written.get(agent);
          const row = known?.start === start ? known.counts : rows.get(MINUTE_MS, start, agent);
          mergeCounts(row, counts);
          rows.put(MINUTE_MS, start, agent, row);
          written.set(agent, { start, counts: row });
        }
      }
      counted.clear();
    },
    forgetRows: () => written.clear(),
    clear() {
      counted.clear();
      written.clear();
    },
  };
}
