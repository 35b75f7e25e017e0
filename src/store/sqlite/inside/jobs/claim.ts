import type { DatabaseSync } from 'node:sqlite';
import type { ClaimRequest, ClaimTerms } from '../../../../jobs/ports.ts';
import type { PlainFault } from '../../../../kernel/fault.ts';
import { isoOf } from '../../../../kernel/instant.ts';
import { ownerText } from '../../ids.ts';
import type { PackedOps, Plain } from '../../wire.ts';
import { mustBeInstants } from '../faults.ts';
import type { AgentVersion, MinuteCounts } from '../minutes.ts';
import { FREE_KEY } from './row.ts';

/** Row, attempt, attempts, trigger, slot, input, queuedAt, runAt, depth, staleAt. */
type DueRow = [number, number, number, string, number | null, string | null, number, number, number, number | null];

/** The terms of a claim, by the store's clock. */
type Lease = Pick<ClaimTerms, 'leastPriority'> & { now: number; owner: string; leaseUntil: number };

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
    const head = flat.push(null, 0) - 2;
    let nextAt: number | null = null;
    let left = request.limit;
    let level = ABOVE_ALL;
    for (;;) {
      const found = nextLevel.get(agent, level) as unknown as [number] | undefined;
      if (!found || found[0] < least) break;
      level = found[0];
      left -= takeLevel(request, level, left, terms, flat);
      const [at] = soonest.get(agent, level) as unknown as [number | null];
      mustBeInstants(at);
      if (at !== null && (nextAt === null || at < nextAt)) nextAt = at;
      if (left === 0 && nextAt !== null && nextAt <= terms.now) break;
    }
    flat[head] = nextAt === null ? null : nextAt - terms.now;
    flat[head + 1] = request.limit - left;
  }

  function takeLevel(
    { agent, version, staleAfterMs = Number.POSITIVE_INFINITY }: ClaimRequest,
    level: number,
    limit: number,
    { owner, leaseUntil, now }: Lease,
    flat: Plain[],
  ): number {
    const of = { agent, version };
    let taken = 0;
    while (taken < limit) {
      const wanted = limit - taken;
      const rows = due.all(agent, level, now, wanted) as unknown as DueRow[];
      // Rows that follow one another are one statement: most jobs are due in the order in which they were added.
      let first = 0;
      let last = -1;
      const takeRange = () => {
        if (first <= last) take.run(version, owner, leaseUntil, now, first, last);
      };
      for (const [row, before, attempts, trigger, slot, input, queuedAt, runAt, depth, staleAt] of rows) {
        mustBeInstants(runAt, queuedAt, slot, staleAt);
        const until = staleAt ?? (before === 0 ? runAt + staleAfterMs : null);
        if (until !== null && until < now) {
          expire.run(now, JSON.stringify(staleFault(until)), row);
          continue;
        }
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

function staleFault(staleAt: number): PlainFault {
  return {
    code: 'STALE',
    message: `it had not started by ${isoOf(staleAt)}, after which it is of no use`,
    next: 'replay it if it should run in spite of that',
  };
}
