import type { DatabaseSync } from 'node:sqlite';
import type { PlainFault } from '../../../../kernel/fault.ts';
import { subject } from '../../../../kernel/subjects.ts';
import { jobIdOf } from '../../ids.ts';
import { SETTLEMENT_WIDTH } from '../../packing.ts';
import type { PackedOps, Plain } from '../../wire.ts';
import type { eventWrites } from '../events.ts';
import type { Totals } from '../figures.ts';
import type { AgentVersion, MinuteCounts } from '../minutes.ts';
import { FREE_KEY } from './row.ts';

/** Writes down the ends of attempts, behind the fence, and counts them. */
export function jobSettlements(
  db: DatabaseSync,
  { totals, minutes, events }: { totals: Totals; minutes: MinuteCounts; events: ReturnType<typeof eventWrites> },
  versions: Map<number, AgentVersion>,
): Pick<PackedOps, 'settle'> {
  const fence = `WHERE id = ? AND attempt = ? AND state = 'running'`;
  /** The common end. A first attempt has no former error to wipe out. */
  const doneAtOnce = db.prepare(
    `UPDATE job SET state = 'done', started_at = ?, finished_at = ?, result = ?, summary = ? ${fence}`,
  );
  const end = db.prepare(
    `UPDATE job SET state = ?, started_at = ?, finished_at = ?, run_at = coalesce(?, run_at), result = ?, summary = ?, error = ?,
     cause = ?, attempts = coalesce(?, attempts) ${fence}`,
  );
  /** The same end, written down before: its answer was lost on the way. */
  const isWritten = db.prepare(
    `SELECT 1 FROM job WHERE id = ? AND attempt = ? AND state = ? AND started_at = ? AND finished_at = ?
     AND result IS ? AND summary IS ? AND error IS ? AND owner IS NOT NULL`,
  );
  const freeKey = db.prepare(`UPDATE job SET ${FREE_KEY} WHERE id = ?`);
  const triggerOf = db.prepare('SELECT trigger FROM job WHERE id = ?');
  const versionOf = db.prepare('SELECT agent, version FROM job WHERE id = ?');
  const recordFailure = db.prepare(
    `INSERT INTO attempt (job, attempt, agent, started_at, finished_at, worker, fault) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );

  return {
    settle(flat) {
      const kept: boolean[] = [];
      for (let i = 0; i < flat.length; i += SETTLEMENT_WIDTH) {
        const isNew = write(flat, i);
        kept.push(isNew || isWrittenBefore(flat, i));
        const row = flat[i] as number;
        const known = versions.get(row);
        versions.delete(row);
        const state = flat[i + 2] as string;
        const isFree = flat[i + 11] !== null;
        if (isNew && state === 'cancelled') freeKey.run(row);
        if (!isNew || isFree) continue;
        const of = known ?? (versionOf.get(row) as unknown as AgentVersion);
        const { agent } = of;
        totals.count(state, agent, flat[i + 4] as number, row);
        minutes.count(state, of, flat[i + 3] as number, flat[i + 4] as number);
        if (state === 'dead') recordDeath(agent, flat, i);
        if (state === 'retrying' || state === 'dead') {
          recordFailure.run(
            row,
            flat[i + 1]!,
            agent,
            flat[i + 3]!,
            flat[i + 4]!,
            flat[i + 10]!,
            flat[i + 8] ?? NO_FAULT,
          );
        }
      }
      return kept;
    },
  };

  /** The event is written with the end that it is about: a host that is killed tells it later. */
  function recordDeath(agent: string, flat: Plain[], i: number): void {
    const job = jobIdOf(flat[i] as number);
    const { trigger } = triggerOf.get(flat[i]!) as { trigger: string };
    const { code, message: error } = JSON.parse((flat[i + 8] as string | null) ?? NO_FAULT) as PlainFault;
    const data = { job, trigger, attempts: flat[i + 1], code, error, cause: flat[i + 9] };
    const message = `${job} of ${agent} is a dead letter: ${error}`;
    const cameOf = [subject.attempt({ job, attempt: flat[i + 1] as number }), subject.job(job)];
    const at = flat[i + 4] as number;
    events.append([{ at, kind: 'job.dead', agent, message, data, about: [subject.job(job)], cameOf }]);
  }

  /** False: the fence refuses the end at `i`. */
  function write(flat: Plain[], i: number): boolean {
    const row = flat[i]!;
    const attempt = flat[i + 1]!;
    const state = flat[i + 2]!;
    const startedAt = flat[i + 3]!;
    const finishedAt = flat[i + 4]!;
    const result = flat[i + 6]!;
    const summary = flat[i + 7]!;
    const { changes } =
      state === 'done' && attempt === 1
        ? doneAtOnce.run(startedAt, finishedAt, result, summary, row, attempt)
        : end.run(
            state,
            startedAt,
            finishedAt,
            flat[i + 5]!,
            result,
            summary,
            flat[i + 8]!,
            flat[i + 9]!,
            flat[i + 11]!,
            row,
            attempt,
          );
    return changes === 1;
  }

  function isWrittenBefore(flat: Plain[], i: number): boolean {
    const at = (place: number) => flat[i + place]!;
    return isWritten.get(at(0), at(1), at(2), at(3), at(4), at(6), at(7), at(8)) !== undefined;
  }
}

const NO_FAULT = JSON.stringify({ code: 'UNKNOWN', message: 'it failed without saying why' });
