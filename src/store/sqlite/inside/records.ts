import type { DatabaseSync } from 'node:sqlite';
import { pausedEvent, resumedEvent } from '../../../jobs/pause-events.ts';
import type { AttemptRef, StateEntry, StateSize } from '../../../jobs/ports.ts';
import { Fault } from '../../../kernel/fault.ts';
import { isInstant } from '../../../kernel/instant.ts';
import { rowOf } from '../ids.ts';
import { timeIn } from '../packing.ts';
import type { StoreOps } from '../wire.ts';
import type { eventWrites } from './events.ts';
import { mustBeInstants } from './faults.ts';

interface EffectRow {
  key: string;
  ended_at: number | null;
  result: string | null;
  problem: string | null;
}

const notKept = (problem: string) => ({ is: 'not-kept' as const, problem });

/** The record behind `once`. Every call looks at the fence before it writes. */
export function effects(db: DatabaseSync): Pick<StoreOps, 'beginEffect' | 'endEffect' | 'dropEffect' | 'effectsOf'> {
  const held = db.prepare(`SELECT 1 FROM job WHERE id = ? AND attempt = ? AND state = 'running'`);
  const find = db.prepare('SELECT ended_at, result, problem FROM effect WHERE job = ? AND key = ?');
  const begin = db.prepare('INSERT INTO effect (job, key, attempt, begun_at) VALUES (?, ?, ?, ?)');
  const end = db.prepare(`
    INSERT INTO effect (job, key, attempt, begun_at, ended_at, result, problem) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)
    ON CONFLICT (job, key) DO UPDATE SET attempt = ?3, ended_at = ?4, result = ?5, problem = ?6`);
  const drop = db.prepare('DELETE FROM effect WHERE job = ? AND key = ? AND ended_at IS NULL');
  const list = db.prepare('SELECT key, ended_at, result, problem FROM effect WHERE job = ? ORDER BY begun_at, key');

  return {
    beginEffect(now, ref, key) {
      const row = isFenced(ref);
      const known = find.get(row, key) as Omit<EffectRow, 'key'> | undefined;
      if (known?.ended_at === null) return { is: 'unknown' };
      if (known) return known.problem === null ? { is: 'done', result: known.result } : notKept(known.problem);
      begin.run(row, key, ref.attempt, now);
      return { is: 'new' };
    },
    endEffect(now, ref, key, result, problem) {
      end.run(isFenced(ref), key, ref.attempt, now, result, problem ?? null);
    },
    dropEffect(ref, key) {
      drop.run(isFenced(ref), key);
    },
    effectsOf(job) {
      const rows = list.all(rowOf(job)) as unknown as EffectRow[];
      return rows.map(({ key, ended_at, result, problem }) => ({
        key,
        isDone: ended_at !== null,
        result,
        ...(problem === null ? {} : { problem }),
      }));
    },
  };

  function isFenced(ref: AttemptRef): number {
    const row = rowOf(ref.job);
    if (held.get(row, ref.attempt)) return row;
    throw new Fault({
      code: 'FENCED',
      message: `attempt ${ref.attempt} of ${ref.job} does not hold the job any more`,
      next: 'nothing: another attempt has taken over, or the job was cancelled',
    });
  }
}

type StateReads = Pick<StoreOps, 'getState' | 'stateKeys' | 'stateEntries' | 'stateSizes' | 'keptBytes'>;
type StateWrites = Pick<StoreOps, 'setState' | 'deleteState' | 'moveState'>;

/** Reads of state: the durable key-value map of each agent. */
export function stateReads(db: DatabaseSync): StateReads {
  const get = db.prepare('SELECT value FROM state WHERE agent = ? AND key = ?');
  const keys = db.prepare('SELECT key FROM state WHERE agent = ? ORDER BY key');
  const entry = db.prepare('SELECT key, value, set_at AS setAt FROM state WHERE agent = ? AND key = ?');
  const entries = db.prepare('SELECT key, value, set_at AS setAt FROM state WHERE agent = ? ORDER BY key');
  const sizes = db.prepare(`
    SELECT agent, count(*) AS keys, sum(octet_length(value)) AS bytes FROM state GROUP BY agent ORDER BY agent`);
  const bytes = db.prepare(`
    SELECT coalesce((SELECT sum(octet_length(key) + octet_length(value)) FROM state WHERE agent = ?1), 0) +
      coalesce((SELECT sum(octet_length(effect.key) + coalesce(octet_length(effect.result), 0))
        FROM effect JOIN job ON job.id = effect.job WHERE job.agent = ?1), 0) AS bytes`);
  const plain = <Row>(rows: Record<string, unknown>[]) => rows.map((row) => ({ ...row }) as Row);
  return {
    getState: (agent, key) => (get.get(agent, key) as { value: string } | undefined)?.value,
    stateKeys: (agent) => (keys.all(agent) as { key: string }[]).map(({ key }) => key),
    stateEntries: (agent, key) => plain<StateEntry>(key === undefined ? entries.all(agent) : entry.all(agent, key)),
    stateSizes: () => plain<StateSize>(sizes.all()),
    keptBytes: (agent) => (bytes.get(agent) as { bytes: number }).bytes,
  };
}

/** Changes of state. */
export function stateWrites(db: DatabaseSync): StateWrites {
  const set = db.prepare(`
    INSERT INTO state (agent, key, value, set_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (agent, key) DO UPDATE SET value = excluded.value, set_at = excluded.set_at`);
  const remove = db.prepare('DELETE FROM state WHERE agent = ? AND key = ?');
  const move = db.prepare('UPDATE OR IGNORE state SET agent = ?2 WHERE agent = ?1 RETURNING key');
  return {
    setState: (now, agent, key, value) => void set.run(agent, key, value, now),
    deleteState: (agent, key) => void remove.run(agent, key),
    moveState: (from, to) => (move.all(from, to) as { key: string }[]).map(({ key }) => key).sort(),
  };
}

/** Pauses by a person, each written with its event. */
export function pauseWrites(
  db: DatabaseSync,
  events: ReturnType<typeof eventWrites>,
): Pick<StoreOps, 'pause' | 'resume'> {
  const pause = db.prepare(`
    INSERT INTO pause (agent, until, paused_at) VALUES (?, ?, ?)
    ON CONFLICT (agent) DO UPDATE SET until = excluded.until, paused_at = excluded.paused_at`);
  const resume = db.prepare('DELETE FROM pause WHERE agent = ?1 AND (?2 IS NULL OR until = ?2)');
  return {
    pause(now, agent, forMs, who) {
      const until = forMs === null ? null : timeIn(now, forMs);
      pause.run(agent, until, now);
      events.append([pausedEvent(agent, { since: now, until, who })]);
      return { since: now, until };
    },
    resume(now, agent, until, who) {
      const isOver = resume.run(agent, until ?? null).changes > 0;
      if (isOver && until === undefined) events.append([resumedEvent(agent, now, who)]);
      return isOver ? now : null;
    },
  };
}

/** Reads of the agents that a person paused. */
export function pauseReads(db: DatabaseSync): Pick<StoreOps, 'paused'> {
  const paused = db.prepare('SELECT agent, paused_at AS since, until FROM pause ORDER BY agent');
  return {
    paused: () =>
      (paused.all() as { agent: string; since: number; until: number | null }[]).map((row) => {
        mustBeInstants(row.until);
        // A broken begin holds no host up: only people read it.
        return { ...row, since: isInstant(row.since) ? row.since : null };
      }),
  };
}
