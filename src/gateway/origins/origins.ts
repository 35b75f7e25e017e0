import { given } from '../../kernel/given.ts';
import type { Admission, CallEnd, OriginDown, Outage } from '../../kernel/origin.ts';
import { percentile } from '../../kernel/statistics.ts';
import { type BreakerEvent, mayPass } from './breaker.ts';
import { type OriginRecord, opensIncident } from './origin-record.ts';
import { createOriginRecords } from './origin-records.ts';
import type { AskedCall, CallAttempt, EndedCall, HeldJob, OriginReport, Origins, OriginsNeeds } from './ports.ts';

const KEPT_DURATIONS = 200;
const KEPT_FAILURES = 5;

/** Epoch ms: now, and of a monotonic time. */
interface WallClock {
  now(): number;
  wallOf(monotonic: number): number;
}

/** The wait of a job while a probe is out: the probe will tell soon. */
const PROBE_OUT_MS = 2_000;

/** The time that a worker has to tell this room the end of its probe. */
const PROBE_SLACK_MS = 5_000;
/**
 * Jobs that waited for an origin do not come back in one moment: their returns are spread over this part of the wait, at least
 * 1 s.
 */
const SPREAD = 0.1;
const LEAST_SPREAD_MS = 1_000;

export function createOrigins(needs: OriginsNeeds): Origins {
  const { time, log } = needs;
  const records = createOriginRecords(needs);
  const clock = { now: time.now, wallOf: records.wallOf };
  /** Attempts in progress whose calls were refused, and the origins that refused them. */
  const refusedTo = new Map<string, { attempt: number; origin: string }>();
  const barredBefore = new Set<string>();

  /** The chain of an origin, and the origins of it that this agent may not call. */
  function chainOf(originRecord: OriginRecord, agent: string, mayReach: (origin: string) => boolean) {
    const chain = [originRecord];
    const barred: string[] = [];
    for (const origin of originRecord.terms.instead) {
      if (mayReach(origin)) chain.push(records.of(origin));
      else barred.push(origin);
    }
    for (const origin of barred) {
      const key = `${agent} ${origin}`;
      originRecord.impact.barred.set(key, { origin, agent });
      if (barredBefore.has(key)) continue;
      barredBefore.add(key);
      log.warn(`${origin} is not asked instead of ${originRecord.origin}: it is not in needs.net of ${agent}`, {
        agent,
      });
    }
    return { chain, barred };
  }

  function admit({ origin, agent, job, attempt, timeoutMs, alone, mayReach }: AskedCall): Admission {
    const originRecord = records.of(origin);
    const now = time.monotonic();
    originRecord.askedAt = time.now();
    if (mayPass(originRecord.breaker, now)) return go(originRecord);
    const { chain, barred } = alone ? { chain: [originRecord], barred: [] } : chainOf(originRecord, agent, mayReach);
    const other = chain.find(({ breaker }) => mayPass(breaker, now));
    if (other) {
      records.recordImpact(originRecord, { agent }, 'diverted');
      other.askedAt = time.now();
      return go(other);
    }
    originRecord.refused += 1;
    records.recordImpact(originRecord, { agent }, 'refused');
    refusedTo.set(job, { attempt, origin });
    return { is: 'down', down: downOf(originRecord, clock, soonestOf(chain), barred) };

    function go(to: OriginRecord): Admission {
      const { attempts } = to.terms;
      const longest = timeoutMs ?? to.terms.timeoutMs;
      records.move(to, { is: 'asked', now, withinMs: longest + PROBE_SLACK_MS });
      if (to.breaker.is === 'half-open') to.probe = { job, attempt, agent };
      const credentials = to === originRecord || originRecord.terms.credentials;
      return {
        is: 'go',
        origin: to.origin,
        pass: to.breaker.round,
        credentials,
        attempts,
        timeoutMs: longest,
        failsAfterMs: to.terms.timeoutMs,
      };
    }
  }

  function callEnded({ job, attempt, meant, origin, pass, end }: EndedCall): OriginDown | null {
    const originRecord = records.get(origin);
    if (!originRecord) return null;
    const now = time.monotonic();
    countCall(originRecord, end, time.now());
    const askedMs = end.is === 'bad' ? (end.failure.retryAfterMs ?? 0) : 0;
    const event: BreakerEvent =
      end.is === 'bad'
        ? { is: 'bad', now, round: pass, askedMs, chance: time.random() }
        : { is: end.is, now, round: pass };
    records.move(originRecord, event);
    if (end.is !== 'bad' || originRecord.breaker.is === 'closed') return null;
    refusedTo.set(job, { attempt, origin: meant });
    return downOf(originRecord, clock, retryAt(originRecord, clock), []);
  }

  function heldUp({ job, attempt }: CallAttempt, { agent, mayReach }: HeldJob) {
    const refused = refusedTo.get(job);
    const originRecord = refused?.attempt === attempt ? records.get(refused.origin) : undefined;
    if (!originRecord) return undefined;
    records.recordImpact(originRecord, { agent, job }, 'waits');
    const at = soonestOf(chainOf(originRecord, agent, mayReach).chain);
    const spread = Math.max(LEAST_SPREAD_MS, SPREAD * (at - time.now()));
    return { until: Math.round(at + spread * time.random()), origin: originRecord.origin };
  }

  /** The first time at which an origin of the chain is worth another call, in epoch ms. */
  function soonestOf(chain: readonly OriginRecord[]): number {
    return Math.min(...chain.map((one) => retryAt(one, clock)));
  }

  return {
    admit,
    stateOf: (origin) => stateOfRecord(records.of(origin), time.monotonic(), clock),
    callEnded,
    heldUp,
    ended(attempts) {
      const probing = records.probing();
      if (refusedTo.size === 0 && probing.length === 0) return;
      for (const { job, attempt } of attempts) if (refusedTo.get(job)?.attempt === attempt) refusedTo.delete(job);
      for (const originRecord of probing) {
        const { probe, breaker } = originRecord;
        const isOver = probe && attempts.some(({ job, attempt }) => job === probe.job && attempt === probe.attempt);
        if (isOver) records.move(originRecord, { is: 'gone', now: time.monotonic(), round: breaker.round });
      }
    },
    view() {
      const order = (one: OriginRecord) => (one.breaker.is === 'closed' ? 0 : 1);
      const sorted = records.all().sort((a, b) => order(b) - order(a) || b.askedAt - a.askedAt);
      return sorted.map((one) => reportOf(one, clock));
    },
    outages: () =>
      records
        .all()
        .filter(opensIncident)
        .flatMap((one) => outageOf(one, clock)),
    recovery(origin) {
      const originRecord = records.get(origin);
      return originRecord?.breaker.is === 'closed' ? originRecord.recovery : undefined;
    },
    suspect: records.suspect,
    forget: records.forget,
  };
}

function stateOfRecord(
  originRecord: OriginRecord,
  now: number,
  clock: Parameters<typeof retryAt>[1],
): ReturnType<Origins['stateOf']> {
  const { breaker } = originRecord;
  if (breaker.is === 'closed') return { is: 'up', pass: breaker.round };
  if (mayPass(breaker, now)) return { is: 'due' };
  return { is: 'down', down: downOf(originRecord, clock, retryAt(originRecord, clock), []) };
}

/** The time at which a call is worth another try, in epoch ms. */
function retryAt({ breaker }: OriginRecord, { now, wallOf }: WallClock): number {
  if (breaker.is === 'closed') return now();
  if (breaker.is === 'half-open') return Math.min(now() + PROBE_OUT_MS, wallOf(breaker.until));
  return wallOf(breaker.until);
}

/** The answer to a job whose call was refused. `at`: when a call is worth another try. */
function downOf(originRecord: OriginRecord, clock: WallClock, at: number, barred: string[]): OriginDown {
  const { origin, breaker, newest } = originRecord;
  const since = breaker.is === 'closed' ? clock.now() : clock.wallOf(breaker.since);
  const last = newest.at(-1)?.what ?? 'it was down before the host started';
  return { origin, since, retryAt: at, last, barred };
}

/** An origin for people. */
function reportOf(originRecord: OriginRecord, { wallOf }: WallClock): OriginReport {
  const { origin, breaker, terms, newest, calls, failures, refused } = originRecord;
  const last = newest.at(-1);
  return {
    origin,
    is: breaker.is,
    since: breaker.is === 'closed' ? null : wallOf(breaker.since),
    probeAt: breaker.is === 'open' ? wallOf(breaker.until) : null,
    last: last ? { at: last.at, what: last.what } : null,
    instead: terms.instead,
    calls,
    failures,
    refused,
    ...percentiles(originRecord),
  };
}

/** The outage of an origin; none while it is up. */
function outageOf(originRecord: OriginRecord, { wallOf }: WallClock): Outage[] {
  const { origin, breaker, terms, newest, askedAt, impact } = originRecord;
  if (breaker.is === 'closed') return [];
  const probeAt = breaker.is === 'open' ? wallOf(breaker.until) : null;
  const { refused, diverted } = impact;
  const who = { agents: [...impact.agents], jobs: [...impact.jobs], barred: [...impact.barred.values()] };
  const { since, tries } = breaker;
  const facts = { origin, since: wallOf(since), tries, probeAt, askedAt, instead: terms.instead };
  return [{ ...facts, failures: newest, refused, diverted, ...who }];
}

/** Counts what came of one call. */
function countCall(originRecord: OriginRecord, end: CallEnd, at: number): void {
  if (end.is === 'gone') return;
  originRecord.calls += 1;
  if (end.is === 'good') {
    originRecord.durations[(originRecord.calls - originRecord.failures - 1) % KEPT_DURATIONS] = end.ms;
    return;
  }
  originRecord.failures += 1;
  const { what, status } = end.failure;
  originRecord.newest = [...originRecord.newest.slice(1 - KEPT_FAILURES), { at, what, ...given({ status }) }];
}

function percentiles({ durations }: OriginRecord): { p50Ms: number | null; p95Ms: number | null } {
  const sorted = [...durations].sort((a, b) => a - b);
  return { p50Ms: percentile(sorted, 0.5), p95Ms: percentile(sorted, 0.95) };
}
