/**
 * The flat lists in which jobs, claims and ends travel between the host and the store thread: half the cost of objects.
 */
import type { Added, Assignment, JobState, NewJob } from '../../jobs/model.ts';
import type { AttemptRef, ClaimAnswer, ClaimRequest, Settlement } from '../../jobs/ports.ts';
import { INSTANTS } from '../../kernel/instant.ts';
import { jobIdOf, rowOf } from './ids.ts';
import type { AddedRows, Plain } from './wire.ts';

/** agent, trigger, priority, attempts, runAt, slot, key, staleAt, input, parent, depth, debounce key, debounce timeout */
export const NEW_JOB_WIDTH = 13;
/** state, queuedAt, sameInput, tookOver */
const FIRST_WIDTH = 4;

/** The time so long after another; the last that can be stored where that is sooner. */
export function timeIn(at: number, ms: number): number {
  return Math.min(at + ms, INSTANTS.most);
}

/** Appends a new job to `flat`. */
export function packJob(flat: Plain[], job: NewJob, now: number): void {
  const runAt = job.runAt ?? (job.inMs === undefined ? now : timeIn(now, job.inMs));
  const staleAt = job.staleAt ?? (job.staleAfterMs === undefined ? null : timeIn(runAt, job.staleAfterMs));
  flat.push(
    job.agent,
    job.trigger,
    job.priority ?? 0,
    job.attempts,
    runAt,
    job.slot ?? null,
    job.key ?? null,
    staleAt,
    job.input,
    job.parent === undefined ? null : rowOf(job.parent),
    job.depth ?? 0,
    job.debounce?.key ?? null,
    job.debounce?.timeoutMs ?? null,
  );
}

/** row, attempt, state, startedAt, finishedAt, runAt, result, summary, error, cause, worker, attempts */
export const SETTLEMENT_WIDTH = 12;

export function packSettlements(settlements: Settlement[], now: number): Plain[] {
  const flat: Plain[] = [];
  for (const end of settlements) {
    flat.push(
      rowOf(end.job),
      end.attempt,
      end.state,
      end.startedAt,
      end.finishedAt,
      end.inMs === undefined ? null : timeIn(now, end.inMs),
      end.result ?? null,
      end.summary ?? null,
      end.error ? JSON.stringify(end.error) : null,
      end.cause ?? null,
      end.worker ?? null,
      end.attempts ?? null,
    );
  }
  return flat;
}

/** row, attempt */
export function packAttempts(attempts: AttemptRef[]): number[] {
  const flat: number[] = [];
  for (const ref of attempts) flat.push(rowOf(ref.job), ref.attempt);
  return flat;
}

/** The answers for new jobs, for the way to the host. A single job that is new is its row alone: most calls add one. */
export function packAdded(added: AddedRows): number | AddedRows {
  const [row] = added.rows;
  return added.rows.length === 1 && row! > 0 ? row! : added;
}

/** The answers for new jobs, as the store thread gives them. */
export function unpackAdded(added: number | AddedRows): Added[] {
  if (typeof added === 'number') return [{ id: jobIdOf(added), isNew: true }];
  const { rows, originals } = added;
  let at = 0;
  return rows.map((row): Added => {
    if (row > 0) return { id: jobIdOf(row), isNew: true };
    const [state, queuedAt, same, tookOver] = originals.slice(at, at + FIRST_WIDTH) as [
      JobState,
      number,
      number,
      number,
    ];
    at += FIRST_WIDTH;
    const first = { state, queuedAt, sameInput: same === 1, ...(tookOver === 1 ? { tookOver: true as const } : {}) };
    return { id: jobIdOf(-row), isNew: false, first };
  });
}

/** row, attempt, attempts, trigger, slot, input, queuedAt, runAt, depth */
const ASSIGNMENT_WIDTH = 9;

/** For each request: in how many ms the next is due, the number of jobs taken, and the jobs. */
export function unpackClaim(requests: ClaimRequest[], flat: Plain[]): ClaimAnswer[] {
  let at = 0;
  return requests.map(({ agent }) => {
    const nextInMs = flat[at] as number | null;
    const count = flat[at + 1] as number;
    at += 2;
    const assignments: Assignment[] = [];
    for (let taken = 0; taken < count; taken++, at += ASSIGNMENT_WIDTH) {
      assignments.push({
        job: jobIdOf(flat[at] as number),
        agent,
        attempt: flat[at + 1] as number,
        attempts: flat[at + 2] as number,
        trigger: flat[at + 3] as Assignment['trigger'],
        slot: flat[at + 4] as number | null,
        input: flat[at + 5] as string | null,
        queuedAt: flat[at + 6] as number,
        runAt: flat[at + 7] as number,
        depth: flat[at + 8] as number,
      });
    }
    return { agent, assignments, nextInMs };
  });
}
