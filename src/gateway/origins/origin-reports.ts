import type { OriginDown, Outage } from '../../kernel/origin.ts';
import { type OriginRecord, percentiles } from './origin-record.ts';
import type { OriginReport } from './ports.ts';

/** Epoch ms: now, and of a monotonic time. */
interface WallClock {
  now(): number;
  wallOf(monotonic: number): number;
}

/** The wait of a job while a probe is out: the probe will tell soon. */
const PROBE_OUT_MS = 2_000;

/** The time at which a call is worth another try, in epoch ms. */
export function retryAt({ breaker }: OriginRecord, { now, wallOf }: WallClock): number {
  if (breaker.is === 'closed') return now();
  if (breaker.is === 'half-open') return Math.min(now() + PROBE_OUT_MS, wallOf(breaker.until));
  return wallOf(breaker.until);
}

/** The answer to a job whose call was refused. `at`: when a call is worth another try. */
export function downOf(originRecord: OriginRecord, clock: WallClock, at: number, barred: string[]): OriginDown {
  const { origin, breaker, newest } = originRecord;
  const since = breaker.is === 'closed' ? clock.now() : clock.wallOf(breaker.since);
  const last = newest.at(-1)?.what ?? 'it was down before the host started';
  return { origin, since, retryAt: at, last, barred };
}

/** An origin for people. */
export function reportOf(originRecord: OriginRecord, { wallOf }: WallClock): OriginReport {
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
export function outageOf(originRecord: OriginRecord, { wallOf }: WallClock): Outage[] {
  const { origin, breaker, terms, newest, askedAt, impact } = originRecord;
  if (breaker.is === 'closed') return [];
  const probeAt = breaker.is === 'open' ? wallOf(breaker.until) : null;
  const { refused, diverted } = impact;
  const who = { agents: [...impact.agents], jobs: [...impact.jobs], barred: [...impact.barred.values()] };
  const { since, tries } = breaker;
  const facts = { origin, since: wallOf(since), tries, probeAt, askedAt, instead: terms.instead };
  return [{ ...facts, failures: newest, refused, diverted, ...who }];
}
