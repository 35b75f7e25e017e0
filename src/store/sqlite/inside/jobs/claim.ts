import type { DatabaseSync } from 'node:sqlite';
import type { ClaimRequest, ClaimTerms } from '../../../../jobs/ports.ts';
import type { PlainFault } from '../../../../kernel/fault.ts';
import { isoOf } from '../../../../kernel/instant.ts';
import { ownerText } from '../../ids.ts';
import type { PackedOps, Plain } from '../../wire.ts';
import { mustBeInstants } from '../faults.ts';
import type { AgentVersion, MinuteCounts } from '../minutes.ts';
import { keyLimits, type LimitedClaim, SET_ASIDE_UNTIL } from './key-limits.ts';
import { FREE_KEY } from './row.ts';

/** Row, attempt, attempts, trigger, slot, input, queuedAt, runAt, depth, staleAt. */
type DueRow = [number, number, number, string, number | null, string | null, number, number, number, number | null];

/** The terms of a claim, by the store's clock. */
type Lease = Pick<ClaimTerms, 'leastPriority'> & { now: number; owner: string; leaseUntil: number };

/** With a limit by key, rows that are read at a time: most of them may have to be set aside. */
const LEAST_ROWS = 64;

/** Above every priority that a job can have. */
const ABOVE_ALL = Number.MAX_SAFE_INTEGER;

/** Takes due jobs, one level of priority after the other, so that it never looks at a job that is not due. */
export function jobClaims(
  db: DatabaseSync,
  versions: Map<number, AgentVersion>,
  minutes: MinuteCounts,
): Pick<PackedOps, 'claim' | 'release' | 'renew'> {
  const ready = `FROM job INDEXED BY job_ready WHERE agent = ? AND state IN ('queued', 'retrying')`;
  const nextLevel = db.prepare(`SELECT priority ${ready} AND priority < ? ORDER BY priority DESC LIMIT 1`);
  const due = db.prepare(
    `SELECT id, attempt, attempts, trigger, slot, input, queued_at, run_at, depth, stale_at ${ready}
     AND priority = ? AND run_at <= ? ORDER BY run_at, id LIMIT ?`,
  );
  const soonest = db.prepare(`SELECT min(run_at) ${ready} AND priority = ?`);
  for (const statement of [nextLevel, due, soonest]) statement.setReturnArrays(true);
  const take = db.prepare(
    `UPDATE job SET state = 'running', attempt = attempt + 1, version = ?, owner = ?, lease_until = ?, started_at = ?, finished_at = NULL
     WHERE id BETWEEN ? AND ?`,
  );
  const expire = db.prepare(
    `UPDATE job SET state = 'cancelled', finished_at = ?, error = ?, cause = NULL, ${FREE_KEY} WHERE id = ?`,
  );
  const giveBack = db.prepare(
    `UPDATE job SET state = iif(attempt = 1, 'queued', 'retrying'), attempt = attempt - 1, version = iif(attempt = 1, NULL, version),
     started_at = NULL WHERE id = ? AND attempt = ? AND state = 'running'`,
  );
  const limits = keyLimits(db);
  const extend = db.prepare(`UPDATE job SET lease_until = ? WHERE id = ? AND attempt = ? AND state = 'running'`);

  return {
    claim(now, requests, terms) {
      const flat: Plain[] = [];
      const lease = { ...terms, now, owner: ownerText(terms.owner), leaseUntil: now + terms.leaseMs };
      for (const request of requests) claimFor(request, lease, flat);
      return flat;
    },
    release(attempts) {
      for (let i = 0; i < attempts.length; i += 2) {
        giveBack.run(attempts[i]!, attempts[i + 1]!);
        limits.givenBack(attempts[i]!);
        versions.delete(attempts[i]!);
      }
    },
    renew(attempts, leaseUntil) {
      const lost: number[] = [];
      for (let i = 0; i < attempts.length; i += 2) {
        if (extend.run(leaseUntil, attempts[i]!, attempts[i + 1]!).changes === 0) lost.push(i / 2);
      }
      return lost;
    },
  };

  function claimFor(request: ClaimRequest, terms: Lease, flat: Plain[]): void {
    const { agent } = request;
    const least = terms.leastPriority ?? Number.NEGATIVE_INFINITY;
    const keys = limits.begin(request, terms.now);
    const head = flat.push(null, 0) - 2;
    let nextAt: number | null = null;
    let left = request.limit;
    let level = ABOVE_ALL;
    for (;;) {
      const found = nextLevel.get(agent, level) as unknown as [number] | undefined;
      if (!found || found[0] < least) break;
      level = found[0];
      if (request.limit > 0) left -= takeLevel(request, level, left, terms, flat, keys);
      else if (keys) setAsideBlocked(() => due.all(agent, level, terms.now, LEAST_ROWS), level, keys);
      const [at] = soonest.get(agent, level) as unknown as [number | null];
      mustBeInstants(at);
      if (at !== null && at !== SET_ASIDE_UNTIL && (nextAt === null || at < nextAt)) nextAt = at;
      if (left === 0 && nextAt !== null && nextAt <= terms.now) break;
    }
    const keyAt = keys?.nextAt() ?? null;
    if (keyAt !== null && (nextAt === null || keyAt < nextAt)) nextAt = keyAt;
    flat[head] = nextAt === null ? null : nextAt - terms.now;
    flat[head + 1] = request.limit - left;
  }

  /** Whether the job was to begin by then, and is cancelled. */
  function expires(row: number, until: number | null, now: number): boolean {
    if (until === null || until >= now) return false;
    expire.run(now, JSON.stringify(staleFault(until)), row);
    return true;
  }

  function takeLevel(
    { agent, version, staleAfterMs = Number.POSITIVE_INFINITY }: ClaimRequest,
    level: number,
    limit: number,
    { owner, leaseUntil, now }: Lease,
    flat: Plain[],
    keys?: LimitedClaim,
  ): number {
    const of = { agent, version };
    let taken = 0;
    while (taken < limit && !keys?.isFull()) {
      const wanted = keys ? Math.max(limit - taken, LEAST_ROWS) : limit - taken;
      const rows = due.all(agent, level, now, wanted) as unknown as DueRow[];
      // Rows that follow one another are one statement: most jobs are due in the order in which they were added.
      let first = 0;
      let last = -1;
      const takeRange = () => {
        if (first <= last) take.run(version, owner, leaseUntil, now, first, last);
      };
      for (const [row, before, attempts, trigger, slot, input, queuedAt, runAt, depth, staleAt] of rows) {
        if (taken === limit) break;
        mustBeInstants(runAt, queuedAt, slot, staleAt);
        if (expires(row, staleAt ?? (before === 0 ? runAt + staleAfterMs : null), now)) continue;
        if (keys?.admits({ row, input, runAt, priority: level }) === false) continue;
        if (row !== last + 1) {
          takeRange();
          first = row;
        }
        last = row;
        versions.set(row, of);
        if (before === 0) minutes.late(of, now, now - runAt);
        flat.push(row, before + 1, attempts, trigger, slot, input, queuedAt, runAt, depth);
        taken++;
      }
      takeRange();
      if (rows.length < wanted) break;
    }
    return taken;
  }
}

/** Sets aside what is due and could not begin, up to the first that could: no worker more would help what waits before it. */
function setAsideBlocked(dueRows: () => unknown, priority: number, keys: LimitedClaim): void {
  while (!keys.isFull()) {
    const rows = dueRows() as DueRow[];
    for (const [row, , , , , input, , runAt] of rows) {
      mustBeInstants(runAt);
      if (!keys.setsAside({ row, input, runAt, priority })) return;
    }
    if (rows.length < LEAST_ROWS) return;
  }
}

function staleFault(staleAt: number): PlainFault {
  return {
    code: 'STALE',
    message: `it had not started by ${isoOf(staleAt)}, after which it is of no use`,
    next: 'replay it if it should run in spite of that',
  };
}
