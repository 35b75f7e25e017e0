import type { DatabaseSync } from 'node:sqlite';
import {
  type Batch,
  type BatchItem,
  type BatchOrder,
  type BatchState,
  type BatchStep,
  decideItem,
  type ItemJob,
  type ItemResult,
  REPLAY_PRIORITY,
  whyOfAct,
} from '../../../jobs/batch.ts';
import type { JobState } from '../../../jobs/model.ts';
import { jobIdOf, rowOf } from '../ids.ts';
import type { StampedOps, StoreOps } from '../wire.ts';
import { mustBeInstants, objectIn } from './faults.ts';

type Writes = Pick<StampedOps, 'addBatch' | 'stepBatch' | 'cancelBatch'> & Pick<StoreOps, 'collectBatch'>;
type Reads = Pick<StoreOps, 'batch' | 'batches' | 'batchItems'>;
type JobActs = Pick<StampedOps, 'redrive' | 'drop' | 'cancelMany'>;

const COLUMNS = 'id, act, state, started_at, ended_at, next_job, total, done, stale, gone, failed, terms';
const NO_STEP: BatchStep = { isOver: true, queued: [], cancelled: [] };

/** Batches are written and carried out here: an act and its result are one write. */
export function batchWrites(db: DatabaseSync, acts: JobActs): Writes {
  const insert = db.prepare(`
    INSERT INTO batch (act, state, started_at, next_job, total, done, stale, gone, failed, terms)
    VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, ?)`);
  const find = db.prepare(`SELECT ${COLUMNS} FROM batch WHERE id = ?`);
  const nextRow = db.prepare('SELECT coalesce(max(id), 0) + 1 AS row FROM job');
  const addItem = db.prepare(`
    INSERT INTO batch_item (batch, job, attempt) SELECT ?1, ?2, coalesce((SELECT attempt FROM job WHERE id = ?2), 0) WHERE true
    ON CONFLICT DO NOTHING`);
  const collected = db.prepare('UPDATE batch SET state = ?2, next_job = ?3, total = total + ?4 WHERE id = ?1');
  const end = db.prepare(
    `UPDATE batch SET state = ?2, ended_at = ?3 WHERE id = ?1 AND state IN ('collecting', 'working')`,
  );
  const pending = db.prepare(`
    SELECT item.job, item.attempt AS seen, job.agent, job.state, job.attempt, job.stale_at AS staleAt, job.slot, job.queued_at AS queuedAt
    FROM batch_item AS item LEFT JOIN job ON job.id = item.job
    WHERE item.batch = ? AND item.job > ? ORDER BY item.job LIMIT ?`);
  const write = db.prepare('UPDATE batch_item SET result = ?3, why = ?4 WHERE batch = ?1 AND job = ?2');
  const advance = db.prepare(`
    UPDATE batch SET next_job = ?2, done = done + ?3, stale = stale + ?4, gone = gone + ?5, failed = failed + ?6 WHERE id = ?1`);
  const lower = db.prepare('UPDATE job SET priority = min(priority, ?2) WHERE id = ?1');

  const addItems = (batch: number, rows: readonly number[]) =>
    rows.filter((row) => row > 0 && addItem.run(batch, row).changes === 1).length;

  /** Acts on an item; the result, and why it is not `done`. */
  function carryOut(
    now: number,
    order: BatchOrder,
    item: PendingRow,
    step: BatchStep,
    staleAfterMs: number | undefined,
  ) {
    const { act, reason } = order;
    const id = jobIdOf(item.job);
    const decided = decideItem(order, item.seen, item.state === null ? undefined : (item as ItemJob), {
      now,
      staleAfterMs,
    });
    if (decided.is === 'gone') return decided;
    if (decided.is === 'stale') {
      acts.drop(now, [id], whyOfAct('stale', null));
      return decided;
    }
    if (act === 'cancel') step.cancelled.push(...asRefs(acts.cancelMany(now, [id], whyOfAct('cancel', reason))));
    else if (act === 'drop') acts.drop(now, [id], whyOfAct('drop', reason));
    else if (acts.redrive(now, [id]).length === 0)
      return { is: 'failed' as const, why: 'another job has its key by now' };
    else {
      lower.run(item.job, REPLAY_PRIORITY);
      if (!step.queued.includes(item.agent!)) step.queued.push(item.agent!);
    }
    return { is: 'done' as const, why: null };
  }

  return {
    addBatch(now, order, jobs) {
      const { act, ...terms } = order;
      const { row } = nextRow.get() as { row: number };
      const state: BatchState = order.isNamed ? 'working' : 'collecting';
      const { lastInsertRowid } = insert.run(act, state, now, order.isNamed ? 0 : row, JSON.stringify(terms));
      const id = Number(lastInsertRowid);
      if (order.isNamed) collected.run(id, state, 0, addItems(id, jobs.map(rowOf)));
      return batchIdOf(id);
    },
    collectBatch(id, jobs, isLast) {
      const row = find.get(batchRowOf(id)) as BatchRow | undefined;
      if (row?.state !== 'collecting') return;
      const rows = jobs.map(rowOf);
      const count = addItems(row.id, rows);
      collected.run(row.id, isLast ? 'working' : 'collecting', isLast ? 0 : Math.min(row.next_job, ...rows), count);
    },
    stepBatch(now, id, { most, staleAfterMs }) {
      const row = find.get(batchRowOf(id)) as BatchRow | undefined;
      if (row?.state !== 'working') return NO_STEP;
      const order = batchOf(row);
      const items = pending.all(row.id, row.next_job, most) as unknown as PendingRow[];
      const step: BatchStep = { isOver: items.length < most, queued: [], cancelled: [] };
      const counts = { done: 0, stale: 0, gone: 0, failed: 0 };
      for (const item of items) {
        const { is, why } = carryOut(now, order, item, step, staleAfterMs[item.agent ?? '']);
        counts[is] += 1;
        write.run(row.id, item.job, is, why);
      }
      const last = items.at(-1)?.job ?? row.next_job;
      advance.run(row.id, last, counts.done, counts.stale, counts.gone, counts.failed);
      if (step.isOver) end.run(row.id, 'done', now);
      return step;
    },
    cancelBatch: (now, id) => end.run(batchRowOf(id), 'cancelled', now).changes === 1,
  };
}

/** Reads of batches: the newest, one of them, and its items a page at a time. */
export function batchReads(db: DatabaseSync): Reads {
  const one = db.prepare(`SELECT ${COLUMNS} FROM batch WHERE id = ?`);
  const all = db.prepare(`SELECT ${COLUMNS} FROM batch ORDER BY id DESC LIMIT ?`);
  const inStates = db.prepare(`
    SELECT ${COLUMNS} FROM batch WHERE state IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?`);
  const items = `SELECT item.job, item.result, item.why, job.agent, job.state FROM batch_item AS item LEFT JOIN job ON job.id = item.job
    WHERE item.batch = ? AND item.job > ?`;
  const anyItems = db.prepare(`${items} ORDER BY item.job LIMIT ?`);
  const itemsOf = db.prepare(`${items} AND item.result = ? ORDER BY item.job LIMIT ?`);
  return {
    batch(id) {
      const row = one.get(batchRowOf(id)) as BatchRow | undefined;
      return row && batchOf(row);
    },
    batches({ states, limit }) {
      const rows = states ? inStates.all(JSON.stringify(states), limit) : all.all(limit);
      return (rows as unknown as BatchRow[]).map(batchOf);
    },
    batchItems(id, { result, after, limit }) {
      const from = [batchRowOf(id), after === undefined ? 0 : rowOf(after)];
      const rows = result === undefined ? anyItems.all(...from, limit) : itemsOf.all(...from, result, limit);
      return (rows as unknown as ItemRow[]).map(({ job, ...item }): BatchItem => ({ ...item, job: jobIdOf(job) }));
    },
  };
}

/** Ended batches that are kept, and items of all batches together: the newest of them. */
const MOST_BATCHES = 100;
const MOST_KEPT_ITEMS = 2_000_000;

/** Forgets batches: those that ended before a time, and the oldest of too many. Items go at most `limit` at a time. */
export function batchPruning(db: DatabaseSync): (endedBefore: number, limit: number) => number {
  // The newest one stays: the next id is counted from it.
  const batches = db.prepare(`
    DELETE FROM batch WHERE ended_at IS NOT NULL AND id < (SELECT max(id) FROM batch) AND (ended_at < ? OR id IN (
      SELECT id FROM (SELECT id, row_number() OVER newest AS place, sum(total) OVER newest AS items FROM batch
        WINDOW newest AS (ORDER BY id DESC)) WHERE place > ${MOST_BATCHES} OR items > ${MOST_KEPT_ITEMS}))`);
  const nextBatch = db.prepare('SELECT min(batch) AS batch FROM batch_item WHERE batch > ?');
  const isKept = db.prepare('SELECT 1 FROM batch WHERE id = ?');
  const items = db.prepare(`
    DELETE FROM batch_item WHERE batch = ?1 AND job IN (SELECT job FROM batch_item WHERE batch = ?1 ORDER BY job LIMIT ?2)`);
  return (endedBefore, limit) => {
    let gone = Number(batches.run(endedBefore).changes);
    let left = limit;
    for (let at: number | null = 0; left > 0; ) {
      at = (nextBatch.get(at) as { batch: number | null }).batch;
      if (at === null) break;
      if (isKept.get(at)) continue;
      const count = Number(items.run(at, left).changes);
      gone += count;
      left -= count;
    }
    return gone;
  };
}

interface BatchRow {
  id: number;
  act: BatchOrder['act'];
  state: BatchState;
  started_at: number;
  ended_at: number | null;
  next_job: number;
  total: number;
  done: number;
  stale: number;
  gone: number;
  failed: number;
  terms: string;
}

interface PendingRow extends Omit<ItemJob, 'state'> {
  job: number;
  /** The attempt of the job when it became an item. */
  seen: number;
  agent: string | null;
  state: JobState | null;
}

interface ItemRow extends Omit<BatchItem, 'job'> {
  job: number;
  result: ItemResult | null;
}

function batchOf({
  id,
  act,
  state,
  started_at: startedAt,
  ended_at: endedAt,
  next_job,
  total,
  terms,
  ...counts
}: BatchRow): Batch {
  mustBeInstants(startedAt, endedAt);
  const { set, isNamed, reason, withStale } = objectIn(terms) as unknown as Omit<BatchOrder, 'act'>;
  const { done, stale, gone, failed } = counts;
  const results = { done, stale, gone, failed };
  const order = { act, set, isNamed, reason, withStale };
  return { id: batchIdOf(id), ...order, state, startedAt, endedAt, total, results, before: jobIdOf(next_job) };
}

function asRefs(cancelled: { id: string; state: JobState; attempt: number }[]): BatchStep['cancelled'] {
  return cancelled.map(({ id, ...was }) => ({ job: id, ...was }));
}

/** `batch-6` of row 6. */
function batchIdOf(row: number): string {
  return `batch-${row}`;
}

/** The row of a batch's id; 0, which no batch has, for anything that a store never gave out. */
function batchRowOf(id: string): number {
  const row = /^batch-[1-9]\d{0,14}$/.test(id) ? Number(id.slice(6)) : 0;
  return Number.isSafeInteger(row) ? row : 0;
}
