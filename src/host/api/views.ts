import type { JobView, OriginView } from '../../control/protocol.ts';
import type { OriginReport as Origin } from '../../gateway/origins/ports.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobDetail } from '../../jobs/ports.ts';
import { waitOf, waitsOf } from '../../jobs/waiting.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import { DEEPEST_VALUE, isShallow } from '../../kernel/shape.ts';
import { withoutLines } from '../last-lines.ts';

/** A job as clients see it: the one shape of `jobs`, `run`, `status` and the page. */
export function viewJob(job: Job | JobDetail): JobView {
  const { startedAt, finishedAt } = job;
  return {
    id: job.id,
    agent: job.agent,
    version: job.version,
    state: job.state,
    trigger: job.trigger,
    attempt: job.attempt,
    attempts: job.attempts,
    slot: isoOrNull(job.slot),
    key: job.key,
    priority: job.priority,
    queuedAt: isoOf(job.queuedAt),
    runAt: isoOf(job.runAt),
    startedAt: isoOrNull(startedAt),
    finishedAt: isoOrNull(finishedAt),
    durationMs: startedAt === null || finishedAt === null ? null : Math.max(0, finishedAt - startedAt),
    input: parsed(job.input),
    result: parsed(job.result),
    summary: job.summary,
    error: job.error && withoutLines(job.error).fault,
    cause: job.cause,
    madeBy: job.parent,
    hops: job.depth,
    waits: freeWaitsOf(job),
    waitsFor: job.state === 'retrying' ? (waitOf(job.error)?.waitsFor ?? null) : null,
    ...('failures' in job
      ? {
          failures: job.failures.map(({ fault, ...record }) => ({
            attempt: record.attempt,
            startedAt: isoOf(record.startedAt),
            finishedAt: isoOf(record.finishedAt),
            worker: record.worker,
            ...viewFailure(fault),
          })),
        }
      : {}),
  };
}

/** The fault of an attempt, and the lines of its job's log that were kept with it. */
function viewFailure(fault: PlainFault) {
  const { fault: error, lines } = withoutLines(fault);
  return lines.length === 0
    ? { error }
    : { error, lines: lines.map(({ at, ...line }) => ({ at: isoOf(at), ...line })) };
}

/** A server that agents call, as clients see it. */
export function viewOrigin({ is, since, probeAt, last, instead, ...figures }: Origin): OriginView {
  return {
    ...figures,
    state: is,
    since: isoOrNull(since),
    probeAt: isoOrNull(probeAt),
    last: last && { at: isoOf(last.at), what: last.what },
    instead: [...instead],
  };
}

/**
 * Payloads travel as text; a payload that is not JSON is shown as text, and a payload that is too deep to walk through is not
 * shown.
 */
export function parsed(text: string | null): unknown {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isShallow(value, DEEPEST_VALUE) ? value : `(nested more than ${DEEPEST_VALUE} deep)`;
  } catch {
    return text;
  }
}

/** Times in a row that the job asked for another time and lost no attempt by it. */
function freeWaitsOf({ state, error }: Job): number {
  const waits = state === 'retrying' ? waitsOf(error) : undefined;
  return waits?.isFree ? waits.waits : 0;
}
