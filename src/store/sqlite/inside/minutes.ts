import type { DatabaseSync } from 'node:sqlite';
import { MINUTE_MS } from '../../../kernel/measures.ts';
import { addToSketch, sketchText } from '../../../kernel/sketch.ts';
import {
  type AttemptCounts,
  countsOf,
  MINUTE_COLUMNS,
  type MinuteRow,
  mergeCounts,
  noCounts,
  startOf,
} from './minute-rows.ts';

/** An agent, and the version of it that runs an attempt; no version: nobody knows it. */
export interface AgentVersion {
  agent: string;
  version: string | null;
}

/**
 * Counts the minutes of versions of agents: in memory while a group is carried out, then in one row for each version and minute, within the
 * transaction of the group. A count is kept exactly when the ends that it counts are.
 */
export interface MinuteCounts {
  /** Counts an attempt that ended. Cancelled attempts are not counted. */
  count(state: string, of: AgentVersion, startedAt: number, finishedAt: number): void;
  /** A job got its first attempt so long after it was due. */
  late(of: AgentVersion, now: number, ms: number): void;
  /** A worker of the agent held so much memory. */
  memory(agent: string, at: number, bytes: number): void;
  /** Writes down what was counted. */
  flush(): void;
  /** Rows were changed elsewhere: the next count reads them again. */
  forgetRows(): void;
  /** Forgets the counts of a transaction that was rolled back. */
  clear(): void;
}

interface Minute {
  start: number;
  counts: AttemptCounts;
}

interface Counted {
  agent: string;
  version: string;
  minutes: Minute[];
  /** The newest row, as it stands in the file: the next group adds to it without reading. */
  written: Minute | undefined;
}

export function minuteCounts(db: DatabaseSync): MinuteCounts {
  const rows = minuteRows(db);
  /** By agent, then by version. */
  const agents = new Map<string, Map<string, Counted>>();
  const changed = new Set<Counted>();

  function counted(agent: string, version: string): Counted {
    const versions = agents.get(agent) ?? new Map<string, Counted>();
    if (versions.size === 0) agents.set(agent, versions);
    const known = versions.get(version);
    if (known) return known;
    const fresh = { agent, version, minutes: [], written: undefined };
    versions.set(version, fresh);
    return fresh;
  }

  function countsAt({ agent, version }: AgentVersion, at: number): AttemptCounts {
    const start = startOf(MINUTE_MS, at);
    const of = counted(agent, version ?? '');
    for (const minute of of.minutes) if (minute.start === start) return minute.counts;
    const fresh = { start, counts: noCounts() };
    of.minutes.push(fresh);
    changed.add(of);
    return fresh.counts;
  }

  return {
    count(state, of, startedAt, finishedAt) {
      if (state === 'cancelled') return;
      const counts = countsAt(of, finishedAt);
      if (state !== 'done') counts.failedAttempts++;
      if (state === 'dead') counts.dead++;
      if (state !== 'done') return;
      counts.done++;
      addToSketch(counts.durations, finishedAt - startedAt);
    },
    late: (of, now, ms) => addToSketch(countsAt(of, now).lateness, ms),
    memory(agent, at, bytes) {
      const counts = countsAt({ agent, version: null }, at);
      counts.memoryPeak = Math.max(counts.memoryPeak ?? 0, bytes);
    },
    flush() {
      for (const of of changed) {
        for (const { start, counts } of of.minutes) {
          const row = of.written?.start === start ? of.written.counts : rows.get(start, of.agent, of.version);
          mergeCounts(row, counts);
          rows.put(start, of.agent, of.version, row);
          of.written = { start, counts: row };
        }
        of.minutes = [];
      }
      changed.clear();
    },
    forgetRows() {
      // Counts for the commit that comes stay; versions that are gone leave with their rows.
      agents.clear();
      for (const of of changed) {
        of.written = undefined;
        const versions = agents.get(of.agent) ?? new Map<string, Counted>();
        agents.set(of.agent, versions.set(of.version, of));
      }
    },
    clear() {
      agents.clear();
      changed.clear();
    },
  };
}

/** Reads and writes single rows of `minute_count`. */
function minuteRows(db: DatabaseSync) {
  const one = db.prepare(`SELECT ${MINUTE_COLUMNS} FROM minute_count WHERE start = ? AND agent = ? AND version = ?`);
  const put = db.prepare(`
    INSERT INTO minute_count (start, agent, version, done, dead, failed_attempts, durations, lateness, memory_peak)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (start, agent, version) DO UPDATE SET done = excluded.done, dead = excluded.dead,
      failed_attempts = excluded.failed_attempts, durations = excluded.durations, lateness = excluded.lateness,
      memory_peak = excluded.memory_peak`);
  return {
    get(start: number, agent: string, version: string): AttemptCounts {
      const row = one.get(start, agent, version) as MinuteRow | undefined;
      return row ? countsOf(row) : noCounts();
    },
    put(start: number, agent: string, version: string, counts: AttemptCounts) {
      const { done, dead, failedAttempts, durations, lateness, memoryPeak } = counts;
      const [took, late] = [sketchText(durations), sketchText(lateness)];
      put.run(start, agent, version, done, dead, failedAttempts, took, late, memoryPeak);
    },
  };
}
