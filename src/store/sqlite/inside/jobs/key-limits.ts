import type { DatabaseSync } from 'node:sqlite';
import type { ClaimRequest } from '../../../../jobs/ports.ts';
import { INSTANTS } from '../../../../kernel/instant.ts';
import { type KeyLimit, type KeyUse, limitKeyOf, nextStartOfKey, roomOfKey } from '../../../../kernel/key-limit.ts';

/** Jobs that one claim sets aside, at most: the next claim goes on. */
const SET_ASIDE_AT_ONCE = 2_000;
/** Jobs of one key that come back at a time. */
const MOST_BACK = 1_000;
/** A clock that is kept right goes back by less; the starts of the last moment count. */
const SMALL_STEP_MS = 1_000;
/** The time of jobs that are set aside: the last that there is, at which no claim looks. Their own is in limited_job. */
export const SET_ASIDE_UNTIL = INSTANTS.most;

/** A due job of an agent with a limit. */
interface LimitedJob {
  row: number;
  input: string | null;
  runAt: number;
  priority: number;
}

/** The keys of one agent during one claim. */
export interface LimitedClaim {
  /** Whether the job may begin; the others are set aside until their key has room. */
  admits(job: LimitedJob): boolean;
  /** Sets the job aside unless it may begin; false: it may, and nothing has changed. */
  setsAside(job: LimitedJob): boolean;
  /** So many jobs were set aside that the next claim has to go on. */
  isFull(): boolean;
  /** When the first key that a rate holds has room again, in epoch ms; null: none waits for a time. */
  nextAt(): number | null;
}

interface KeyLimits {
  /** Brings jobs back whose key has room; undefined for an agent without a limit. */
  begin(request: ClaimRequest, now: number): LimitedClaim | undefined;
  /** The attempt never began: its start counts no more. */
  givenBack(row: number): void;
}

/**
 * Limits of keys. Jobs that are due and whose key has no room are set aside, each once, so that a claim looks past a hundred
 * thousand jobs of one key to those of another. A job that leaves by another way (cancelled, started by hand) leaves its note
 * behind, which is dropped when its turn comes.
 */
export function keyLimits(db: DatabaseSync): KeyLimits {
  const usesOf = keyUses(db);
  const keys = db.prepare('SELECT DISTINCT key FROM limited_job WHERE agent = ?');
  const first = db.prepare(
    'SELECT job, due_at FROM limited_job WHERE agent = ? AND key = ? ORDER BY priority DESC, due_at, job LIMIT ?',
  );
  const some = db.prepare('SELECT job, due_at FROM limited_job WHERE agent = ? LIMIT ?');
  const bringBack = db.prepare(
    `UPDATE job SET run_at = ? WHERE id = ? AND state IN ('queued', 'retrying') AND run_at = ${SET_ASIDE_UNTIL}`,
  );
  const forget = db.prepare('DELETE FROM limited_job WHERE job = ?');
  const setAside = db.prepare(`UPDATE job SET run_at = ${SET_ASIDE_UNTIL} WHERE id = ?`);
  const note = db.prepare(`
    INSERT INTO limited_job (job, agent, key, priority, due_at) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT DO UPDATE SET agent = ?2, key = ?3, priority = ?4, due_at = ?5`);
  const started = db.prepare('INSERT INTO limited_start (job, agent, key, at) VALUES (?, ?, ?, ?)');
  // A start that is still to come is one from before the clock was set back while no host was up: it would hold its key until then.
  const startsOver = db.prepare('DELETE FROM limited_start WHERE agent = ?1 AND (at <= ?2 OR at > ?3)');
  const startBack = db.prepare(
    'DELETE FROM limited_start WHERE rowid = (SELECT max(rowid) FROM limited_start WHERE job = ?)',
  );

  /** True: the job waits for its turn again. */
  function back({ job, due_at: dueAt }: { job: number; due_at: number }): boolean {
    forget.run(job);
    return bringBack.run(dueAt, job).changes > 0;
  }

  /** Some of them, so that the claim finds them: notes of jobs that have gone another way are passed over. */
  function bringAllBack(agent: string): void {
    for (let areWaiting = false; !areWaiting; ) {
      const rows = some.all(agent, MOST_BACK) as unknown as AsideRow[];
      if (rows.length === 0) return;
      for (const one of rows) if (back(one)) areWaiting = true;
    }
  }

  function claimOf(agent: string, limit: KeyLimit, now: number): LimitedClaim {
    let aside = 0;
    if (limit.rate) startsOver.run(agent, now - limit.rate.perMs, now + SMALL_STEP_MS);
    const useOf = usesOf(agent, limit);
    const waitingKeys = () => (keys.all(agent) as unknown as { key: string }[]).map(({ key }) => key);
    for (const key of waitingKeys()) {
      let room = Math.min(MOST_BACK, roomOfKey(limit, useOf(key), now));
      while (room > 0) {
        const rows = first.all(agent, key, room) as unknown as AsideRow[];
        for (const one of rows) if (back(one)) room -= 1;
        if (rows.length === 0) break;
      }
    }
    function setsAside({ row, input, runAt, priority }: LimitedJob): boolean {
      const key = limitKeyOf(limit, input);
      if (roomOfKey(limit, useOf(key), now) > 0) return false;
      note.run(row, agent, key, priority, runAt);
      setAside.run(row);
      aside += 1;
      return true;
    }
    return {
      setsAside,
      admits(job) {
        if (setsAside(job)) return false;
        const key = limitKeyOf(limit, job.input);
        const use = useOf(key);
        use.running += 1;
        if (!limit.rate) return true;
        use.starts.push(now);
        started.run(job.row, agent, key, now);
        return true;
      },
      isFull: () => aside >= SET_ASIDE_AT_ONCE,
      nextAt() {
        if (!limit.rate) return null;
        const times = waitingKeys().flatMap((key) => nextStartOfKey(limit, useOf(key), now) ?? []);
        return times.length === 0 ? null : times.reduce((least, at) => Math.min(least, at));
      },
    };
  }

  return {
    begin({ agent, keyLimit }, now) {
      if (keyLimit) return claimOf(agent, keyLimit, now);
      // The agent had a limit once.
      bringAllBack(agent);
      return undefined;
    },
    givenBack: (row) => void startBack.run(row),
  };
}

/** The keys of an agent as its jobs have used them by now: each is read once, and counted on by whoever begins a job of it. */
export function keyUses(db: DatabaseSync) {
  const running = db.prepare(`SELECT input FROM job INDEXED BY job_running WHERE agent = ? AND state = 'running'`);
  const starts = db.prepare('SELECT at FROM limited_start WHERE agent = ? AND key = ? ORDER BY at');

  return (agent: string, limit: KeyLimit) => {
    const uses = new Map<string, { running: number; starts: number[] }>();
    const counts = new Map<string, number>();
    for (const { input } of running.all(agent) as unknown as { input: string | null }[]) {
      const key = limitKeyOf(limit, input);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return (key: string) => {
      const known = uses.get(key);
      if (known) return known;
      const rows = limit.rate ? starts.all(agent, key) : [];
      const use = { running: counts.get(key) ?? 0, starts: (rows as unknown as { at: number }[]).map(({ at }) => at) };
      uses.set(key, use);
      return use satisfies KeyUse;
    };
  };
}

interface AsideRow {
  job: number;
  due_at: number;
}
