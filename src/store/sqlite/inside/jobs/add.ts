import type { DatabaseSync } from 'node:sqlite';
import { NEW_JOB_WIDTH } from '../../packing.ts';
import type { AddedRows, Plain } from '../../wire.ts';
import { hourOf } from '../figures.ts';

export interface JobAdder {
  /** Adds packed jobs. */
  add(jobs: Plain[], now: number): AddedRows;
  /** Forgets what was rolled back. */
  clear(): void;
}

const COLUMNS = `job (agent, state, trigger, priority, attempt, attempts, allowed, queued_at, run_at, slot, key, stale_at, input, parent, depth)
  VALUES (?1, 'queued', ?2, ?3, 0, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`;

export function jobAdder(db: DatabaseSync): JobAdder {
  const insert = db.prepare(`INSERT INTO ${COLUMNS}`);
  const insertOnce = db.prepare(`INSERT INTO ${COLUMNS} ON CONFLICT (agent, key) WHERE key IS NOT NULL DO NOTHING`);
  const first = db.prepare('SELECT id, state, queued_at, input IS ?3 AS same FROM job WHERE agent = ?1 AND key = ?2');
  const markHour = db.prepare('INSERT INTO queue_hour (hour, first_job) VALUES (?, ?) ON CONFLICT DO NOTHING');
  /** The hour that surely has its mark: one comparison for each job instead of a statement. */
  let marked = Number.NaN;

  return {
    add(flat, now) {
      const rows: number[] = [];
      const originals: Plain[] = [];
      const hour = hourOf(now);
      for (let i = 0; i < flat.length; i += NEW_JOB_WIDTH) {
        const agent = flat[i]!;
        const key = flat[i + 6]!;
        const { changes, lastInsertRowid } = (key === null ? insert : insertOnce).run(
          agent,
          flat[i + 1]!,
          flat[i + 2]!,
          flat[i + 3]!,
          now,
          flat[i + 4]!,
          flat[i + 5]!,
          key,
          flat[i + 7]!,
          flat[i + 8]!,
          flat[i + 9]!,
          flat[i + 10]!,
        );
        if (changes === 0) {
          const holder = first.get(agent, key, flat[i + 8]!) as unknown as HolderRow;
          rows.push(-holder.id);
          originals.push(holder.state, holder.queued_at, holder.same);
          continue;
        }
        if (hour !== marked) {
          markHour.run(hour, lastInsertRowid);
          marked = hour;
        }
        rows.push(Number(lastInsertRowid));
      }
      return { rows, originals };
    },
    clear() {
      marked = Number.NaN;
    },
  };
}

/** The job that has a key. */
interface HolderRow {
  id: number;
  state: string;
  queued_at: number;
  same: number;
}
