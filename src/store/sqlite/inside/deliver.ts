import type { DatabaseSync } from 'node:sqlite';
import { debouncedBy } from '../../../kernel/debounce.ts';
import { isoOf } from '../../../kernel/instant.ts';
import type { EventBounds, EventDelivery, Listener } from '../../../telemetry/ports.ts';
import { rowOf } from '../ids.ts';
import { packJob } from '../packing.ts';
import type { Plain, StampedOps } from '../wire.ts';
import { type EventRow, eventOf } from './events.ts';
import type { JobAdder } from './jobs/add.ts';

/** Makes jobs of events for the agents that listen to them. */
export function eventJobs(db: DatabaseSync, adder: JobAdder): Pick<StampedOps, 'deliverEvents'> {
  const marks = db.prepare('SELECT agent, event FROM listener');
  const put = db.prepare('INSERT INTO listener (agent, event) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET event = ?2');
  const drop = db.prepare('DELETE FROM listener WHERE agent = ?');
  const newest = db.prepare('SELECT coalesce(max(id), 0) AS id FROM event');
  const after = db.prepare('SELECT * FROM event WHERE id > ? ORDER BY id LIMIT ?');
  const waiting = db.prepare(`
    SELECT count(*) AS count FROM (
      SELECT 1 FROM job INDEXED BY job_ready WHERE agent = ? AND state IN ('queued', 'retrying') LIMIT ?)`);
  // A job that no job made, and that an event made: the event was the host's.
  const root = db.prepare(`
    WITH RECURSIVE line (id, parent, trigger) AS (
      SELECT id, parent, trigger FROM job WHERE id = ?
      UNION ALL SELECT job.id, job.parent, job.trigger FROM job JOIN line ON job.id = line.parent LIMIT 1000)
    SELECT 1 FROM line WHERE parent IS NULL AND trigger = 'event'`);

  function isForListener(row: EventRow, { agent, topics }: Listener): boolean {
    if (!topics.includes(row.kind) || row.agent === agent) return false;
    const job = dataOf(row)?.job;
    return typeof job !== 'string' || root.get(rowOf(job)) === undefined;
  }

  function deliver(now: number, listener: Listener, mark: number, bounds: EventBounds): EventDelivery {
    const { agent, attempts, debounce } = listener;
    const rows = after.all(mark, bounds.events) as unknown as EventRow[];
    let room = bounds.waiting - (waiting.get(agent, bounds.waiting) as { count: number }).count;
    const flat: Plain[] = [];
    let last = mark;
    for (const row of rows) {
      if (isForListener(row, listener)) {
        if (room <= 0) break;
        room -= 1;
        const input = inputOf(row);
        const job = { agent, trigger: 'event', input, key: `host-event:${row.id}`, attempts } as const;
        packJob(flat, { ...job, ...debouncedBy(debounce, input) }, now);
      }
      last = row.id;
    }
    const jobs = adder.add(flat, now).rows.length;
    if (last !== mark) put.run(agent, last);
    return { agent, jobs, isBehind: rows.length === bounds.events && room > 0 };
  }

  return {
    deliverEvents(now, listeners, bounds) {
      const known = new Map((marks.all() as { agent: string; event: number }[]).map((one) => [one.agent, one.event]));
      const names = new Set(listeners.map(({ agent }) => agent));
      for (const agent of known.keys()) if (!names.has(agent)) drop.run(agent);
      return listeners.map((listener) => {
        const mark = known.get(listener.agent);
        if (mark !== undefined) return deliver(now, listener, mark, bounds);
        put.run(listener.agent, (newest.get() as { id: number }).id);
        return { agent: listener.agent, jobs: 0, isBehind: false };
      });
    },
  };
}

/** An event whose data nobody can read is delivered without them. */
function dataOf(row: EventRow): Record<string, unknown> | undefined {
  try {
    return eventOf(row).data;
  } catch {
    return undefined;
  }
}

function inputOf(row: EventRow): string {
  const { kind: topic, id, at, agent, message } = row;
  return JSON.stringify({ topic, from: null, id, at: isoOf(at), agent, message, data: dataOf(row) ?? {} });
}
