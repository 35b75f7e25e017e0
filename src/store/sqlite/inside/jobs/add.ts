import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { NEW_JOB_WIDTH } from '../../packing.ts';
import type { AddedRows, Plain } from '../../wire.ts';
import { hourOf } from '../figures.ts';

export interface JobAdder {
  /** Adds packed jobs. */
  add(jobs: Plain[], now: number): AddedRows;
  /** Forgets what was rolled back. */
  clear(): void;
}

const COLUMNS =
  'job (agent, state, trigger, priority, attempt, attempts, allowed, queued_at, run_at, slot, key, stale_at, input, parent, depth, debounce)';
/** Numbered parameters would be looked up by their names, in each run. */
const ROW = "(?, 'queued', ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/** Rows that one statement writes: it opens the table and its eleven indexes once for all of them. */
const ROWS_AT_ONCE = 16;

export function jobAdder(db: DatabaseSync): JobAdder {
  const insert = db.prepare(`INSERT INTO ${COLUMNS} VALUES ${ROW}`);
  const insertOnce = db.prepare(
    `INSERT INTO ${COLUMNS} VALUES ${ROW} ON CONFLICT (agent, key) WHERE key IS NOT NULL DO NOTHING`,
  );
  let insertMany: StatementSync | undefined;
  const first = db.prepare('SELECT id, state, queued_at, input IS ?3 AS same FROM job WHERE agent = ?1 AND key = ?2');
  const markHour = db.prepare('INSERT INTO queue_hour (hour, first_job) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const waiting = waitingJobs(db, first);
  /** The hour that surely has its mark: one comparison for each job instead of a statement. */
  let marked = Number.NaN;

  /** The row of the new job; the row of the job that has its key otherwise, below 0. */
  function insertOne(flat: readonly Plain[], i: number, now: number, originals: Plain[]): number {
    const agent = flat[i]!;
    const key = flat[i + 6]!;
    const values: Plain[] = [];
    pushRow(values, flat, i, now);
    const { changes, lastInsertRowid } = (key === null ? insert : insertOnce).run(...values);
    if (changes > 0) return Number(lastInsertRowid);
    const holder = first.get(agent, key, flat[i + 8]!) as unknown as HolderRow;
    originals.push(holder.state, holder.queued_at, holder.same, 0);
    return -holder.id;
  }

  /** Rows of jobs that share a key with nobody, from `i` on: they follow one another. The first of them. */
  function insertRows(flat: readonly Plain[], i: number, now: number): number {
    insertMany ??= db.prepare(`INSERT INTO ${COLUMNS} VALUES ${new Array(ROWS_AT_ONCE).fill(ROW)}`);
    const values: Plain[] = [];
    for (let row = 0; row < ROWS_AT_ONCE; row++) pushRow(values, flat, i + row * NEW_JOB_WIDTH, now);
    return Number(insertMany.run(...values).lastInsertRowid) - ROWS_AT_ONCE + 1;
  }

  function mark(hour: number, row: number): void {
    if (row <= 0 || hour === marked) return;
    markHour.run(hour, row);
    marked = hour;
  }

  return {
    add(flat, now) {
      const rows: number[] = [];
      const originals: Plain[] = [];
      const hour = hourOf(now);
      for (let i = 0; i < flat.length; i += NEW_JOB_WIDTH) {
        if (arePlain(flat, i)) {
          const first = insertRows(flat, i, now);
          mark(hour, first);
          for (let row = 0; row < ROWS_AT_ONCE; row++) rows.push(first + row);
          i += (ROWS_AT_ONCE - 1) * NEW_JOB_WIDTH;
          continue;
        }
        const other = flat[i + 11] === null ? waiting.tookOver(flat, i) : waiting.handOver(flat, i);
        if (other) {
          rows.push(-other.id);
          originals.push(other.state, other.queued_at, other.same, other.tookOver);
          continue;
        }
        const row = insertOne(flat, i, now, originals);
        mark(hour, row);
        rows.push(row);
      }
      return { rows, originals };
    },
    clear() {
      marked = Number.NaN;
    },
  };
}

/** Whether so many jobs from `i` on have neither a key nor others of their kind to wait for. */
function arePlain(flat: readonly Plain[], i: number): boolean {
  const end = i + ROWS_AT_ONCE * NEW_JOB_WIDTH;
  if (end > flat.length) return false;
  for (let at = i; at < end; at += NEW_JOB_WIDTH) if (flat[at + 6] !== null || flat[at + 11] !== null) return false;
  return true;
}

/** Appends the values of {@link ROW}. */
function pushRow(values: Plain[], flat: readonly Plain[], i: number, now: number): void {
  values.push(
    flat[i]!,
    flat[i + 1]!,
    flat[i + 2]!,
    flat[i + 3]!,
    flat[i + 3]!,
    now,
    flat[i + 4]!,
    flat[i + 5]!,
    flat[i + 6]!,
    flat[i + 7]!,
    flat[i + 8]!,
    flat[i + 9]!,
    flat[i + 10]!,
    flat[i + 11]!,
  );
}

/** The job that is there already. */
interface HolderRow {
  id: number;
  state: string;
  queued_at: number;
  same: number;
}

/** Jobs that wait for further ones of their kind. */
function waitingJobs(db: DatabaseSync, first: StatementSync) {
  const firstOfFurther = db.prepare(`
    SELECT id, state, queued_at, input IS ?3 AS same FROM further_key JOIN job ON id = further_key.job
      WHERE further_key.agent = ?1 AND further_key.key = ?2 AND state <> 'cancelled'`);
  const newest = db.prepare(`
    SELECT id, state, queued_at, input IS ?3 AS same FROM job
      WHERE agent = ?1 AND debounce = ?2 AND state = 'queued' AND attempt = 0 ORDER BY id DESC LIMIT 1`);
  const takeOver = db.prepare(`
    UPDATE job SET input = ?2, run_at = min(?3, queued_at + ?4), trigger = ?5, priority = max(priority, ?6), attempts = ?7,
      allowed = ?7, parent = ?9, depth = ?10,
      stale_at = ?8 - ?3 + min(?3, queued_at + ?4) WHERE id = ?1`);
  const keepKey = db.prepare(`
    INSERT INTO further_key (agent, key, job) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET job = ?3`);

  return {
    /** The job that took an input with the key over: the key is taken, whether the new job is to wait for others or not. */
    tookOver(flat: readonly Plain[], i: number): (HolderRow & { tookOver: 0 }) | undefined {
      const key = flat[i + 6]!;
      const holder = key === null ? undefined : firstOfFurther.get(flat[i]!, key, flat[i + 8]!);
      return holder && { ...(holder as unknown as HolderRow), tookOver: 0 };
    },
    /** The job that has the key, or else the job that took the input over; undefined: there is neither. */
    handOver(flat: readonly Plain[], i: number): (HolderRow & { tookOver: 0 | 1 }) | undefined {
      const agent = flat[i]!;
      const key = flat[i + 6]!;
      const input = flat[i + 8]!;
      if (key !== null) {
        const holder = first.get(agent, key, input) ?? firstOfFurther.get(agent, key, input);
        if (holder) return { ...(holder as unknown as HolderRow), tookOver: 0 };
      }
      const row = newest.get(agent, flat[i + 11]!, input) as HolderRow | undefined;
      if (!row) return undefined;
      const [, trigger, priority, attempts, runAt] = flat.slice(i, i + 5);
      const [staleAt, , parent, depth] = flat.slice(i + 7, i + 11);
      takeOver.run(row.id, input, runAt!, flat[i + 12]!, trigger!, priority!, attempts!, staleAt!, parent!, depth!);
      if (key !== null) keepKey.run(agent, key, row.id);
      return { ...row, tookOver: 1 };
    },
  };
}
