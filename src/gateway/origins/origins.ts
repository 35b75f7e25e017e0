import { isoOf } from '../../kernel/instant.ts';
import type { Admission, OriginDown, Outage } from '../../kernel/origin.ts';
import { type BreakerEvent, mayPass, stepBreaker, suspectBreaker } from './breaker.ts';
import {
  countCall,
  isWorthAnIncident,
  newOriginRecord,
  nothingHit,
  type OriginRecord,
  percentiles,
  strike,
} from './origin-record.ts';
import type { AskedCall, CallAttempt, EndedCall, HeldJob, OriginReport, Origins, OriginsNeeds } from './ports.ts';
import { type OriginSettings, termsFor } from './terms.ts';

/** Origins that are remembered; an agent that may reach everybody must not fill the host. */
const MOST_ORIGINS = 500;
/** While a probe is out, nobody knows yet: worth to come back soon. */
const PROBE_OUT_MS = 2_000;
/** From the end of a probe in its worker until it is heard of here. */
const PROBE_SLACK_MS = 5_000;
/** Those who waited for one origin do not come back in one moment: spread over this part of the wait, or at least 1 s. */
const SPREAD = 0.1;
const LEAST_SPREAD_MS = 1_000;

export function createOrigins(needs: OriginsNeeds): Origins {
  const { time, log } = needs;
  const accounts = new Map<string, OriginRecord>();
  /** Attempts in progress that were refused, and by whom. */
  const refusedTo = new Map<string, { attempt: number; origin: string }>();
  const barredBefore = new Set<string>();
  const probing = new Set<OriginRecord>();
  let read: OriginSettings = needs.settings();

  const wallOf = (monotonic: number) => Math.round(time.now() + monotonic - time.monotonic());

  /** A chain that is written down during an outage helps in that outage. */
  function takeSettings() {
    const now = needs.settings();
    if (now === read) return;
    read = now;
    for (const originRecord of accounts.values()) {
      originRecord.terms = termsFor(originRecord.origin, read);
      originRecord.isNamed = originRecord.origin in read;
    }
  }

  function accountOf(origin: string): OriginRecord {
    takeSettings();
    let originRecord = accounts.get(origin);
    if (!originRecord) {
      if (accounts.size >= MOST_ORIGINS) dropOne();
      originRecord = newOriginRecord(origin, termsFor(origin, read), origin in read, time.now());
      accounts.set(origin, originRecord);
    }
    return originRecord;
  }

  /** The one that was not asked for longest; one that is down only when all are. */
  function dropOne() {
    const all = [...accounts.values()].sort((a, b) => a.askedAt - b.askedAt);
    const gone = all.find(({ breaker }) => breaker.is === 'closed') ?? all[0]!;
    forget(gone.origin);
  }

  function forget(origin: string) {
    const originRecord = accounts.get(origin);
    if (originRecord) probing.delete(originRecord);
    accounts.delete(origin);
  }

  /** Somebody met the outage; it may be worth an incident now. */
  function struckBy(
    originRecord: OriginRecord,
    who: { agent: string; job?: string },
    how: 'refused' | 'diverted' | 'waits',
  ) {
    const before = isWorthAnIncident(originRecord);
    strike(originRecord, who, how);
    if (!before && isWorthAnIncident(originRecord)) needs.changed();
  }

  function move(originRecord: OriginRecord, event: BreakerEvent): boolean {
    const before = originRecord.breaker;
    const after = stepBreaker(before, event, originRecord.terms);
    if (after === 'refused') return false;
    originRecord.breaker = after;
    if (after.is !== before.is) {
      if (originRecord.probe) strike(originRecord, { agent: originRecord.probe.agent }, 'waits');
      if (before.is === 'half-open' && after.is === 'closed') recovered(originRecord, wallOf(before.since));
      if (after.is === 'half-open') probing.add(originRecord);
      else {
        originRecord.probe = null;
        probing.delete(originRecord);
      }
      tell(originRecord, before.is);
      needs.changed();
    }
    return true;
  }

  /** One line when it goes down, one when it is back; probes that fail are told at a lower level. */
  function tell({ origin, breaker, newest }: OriginRecord, before: string) {
    const last = newest.at(-1)?.what ?? 'it was down before';
    if (breaker.is === 'closed') log.info(`${origin} is back`, { origin });
    if (breaker.is !== 'open') return;
    const data = { origin, until: isoOf(wallOf(breaker.until)), last };
    if (before === 'closed') log.warn(`${origin} is down (${last}): it is not asked for now`, data);
    else log.debug(`${origin} is still down (${last})`, data);
  }

  /** The chain of an origin, and who of it this agent may not ask. */
  function chainOf(originRecord: OriginRecord, agent: string, mayReach: (origin: string) => boolean) {
    const chain = [originRecord];
    const barred: string[] = [];
    for (const origin of originRecord.terms.instead) {
      if (mayReach(origin)) chain.push(accountOf(origin));
      else barred.push(origin);
    }
    for (const origin of barred) {
      const key = `${agent} ${origin}`;
      originRecord.struck.barred.set(key, { origin, agent });
      if (barredBefore.has(key)) continue;
      barredBefore.add(key);
      log.warn(`${origin} is not asked instead of ${originRecord.origin}: it is not in needs.net of ${agent}`, {
        agent,
      });
    }
    return { chain, barred };
  }

  function admit({ origin, agent, job, attempt, timeoutMs, alone, mayReach }: AskedCall): Admission {
    const originRecord = accountOf(origin);
    const now = time.monotonic();
    originRecord.askedAt = time.now();
    if (mayPass(originRecord.breaker, now)) return go(originRecord);
    const { chain, barred } = alone ? { chain: [originRecord], barred: [] } : chainOf(originRecord, agent, mayReach);
    const other = chain.find(({ breaker }) => mayPass(breaker, now));
    if (other) {
      struckBy(originRecord, { agent }, 'diverted');
      other.askedAt = time.now();
      return go(other);
    }
    originRecord.refused += 1;
    struckBy(originRecord, { agent }, 'refused');
    refusedTo.set(job, { attempt, origin });
    return { is: 'down', down: downOf(originRecord, Math.min(...chain.map(retryAt)), barred) };

    function go(to: OriginRecord): Admission {
      const { attempts } = to.terms;
      const longest = timeoutMs ?? to.terms.timeoutMs;
      move(to, { is: 'asked', now, withinMs: longest + PROBE_SLACK_MS });
      if (to.breaker.is === 'half-open') to.probe = { job, attempt, agent };
      const credentials = to === originRecord || originRecord.terms.credentials;
      return {
        is: 'go',
        origin: to.origin,
        pass: to.breaker.round,
        credentials,
        attempts,
        timeoutMs: longest,
        patienceMs: to.terms.timeoutMs,
      };
    }
  }

  function told({ job, attempt, meant, origin, pass, end }: EndedCall): OriginDown | null {
    const originRecord = accounts.get(origin);
    if (!originRecord) return null;
    const now = time.monotonic();
    countCall(originRecord, end, time.now());
    const askedMs = end.is === 'bad' ? (end.failure.retryAfterMs ?? 0) : 0;
    const event: BreakerEvent =
      end.is === 'bad'
        ? { is: 'bad', now, round: pass, askedMs, chance: time.random() }
        : { is: end.is, now, round: pass };
    move(originRecord, event);
    if (end.is !== 'bad' || originRecord.breaker.is === 'closed') return null;
    refusedTo.set(job, { attempt, origin: meant });
    return downOf(originRecord, retryAt(originRecord), []);
  }

  function recovered(originRecord: OriginRecord, since: number) {
    const { origin, struck, probe } = originRecord;
    const { refused, diverted, jobs } = struck;
    const agent = probe?.agent ?? 'nobody known';
    originRecord.recovery = { origin, since, at: time.now(), agent, refused, diverted, jobs: jobs.size };
    originRecord.struck = nothingHit();
    originRecord.isKnown = false;
  }

  /** When it is worth to ask again, in epoch ms. */
  function retryAt({ breaker }: OriginRecord): number {
    if (breaker.is === 'closed') return time.now();
    if (breaker.is === 'half-open') return Math.min(time.now() + PROBE_OUT_MS, wallOf(breaker.until));
    return wallOf(breaker.until);
  }

  function downOf({ origin, breaker, newest }: OriginRecord, retryAt: number, barred: string[]): OriginDown {
    const since = breaker.is === 'closed' ? time.now() : wallOf(breaker.since);
    return { origin, since, retryAt, last: newest.at(-1)?.what ?? 'it was down before the host started', barred };
  }

  function heldUp({ job, attempt }: CallAttempt, { agent, mayReach }: HeldJob) {
    const refused = refusedTo.get(job);
    const originRecord = refused?.attempt === attempt ? accounts.get(refused.origin) : undefined;
    if (!originRecord) return undefined;
    struckBy(originRecord, { agent, job }, 'waits');
    const at = Math.min(...chainOf(originRecord, agent, mayReach).chain.map(retryAt));
    const spread = Math.max(LEAST_SPREAD_MS, SPREAD * (at - time.now()));
    return { until: Math.round(at + spread * time.random()), origin: originRecord.origin };
  }

  function viewOf(originRecord: OriginRecord): OriginReport {
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

  function outageOf({ origin, breaker, terms, newest, askedAt, struck }: OriginRecord): Outage[] {
    if (breaker.is === 'closed') return [];
    const probeAt = breaker.is === 'open' ? wallOf(breaker.until) : null;
    const { refused, diverted } = struck;
    const who = { agents: [...struck.agents], jobs: [...struck.jobs], barred: [...struck.barred.values()] };
    const { since, tries } = breaker;
    const facts = { origin, since: wallOf(since), tries, probeAt, askedAt, instead: terms.instead };
    return [{ ...facts, failures: newest, refused, diverted, ...who }];
  }

  return {
    admit,
    told,
    heldUp,
    ended(attempts) {
      if (refusedTo.size === 0 && probing.size === 0) return;
      for (const { job, attempt } of attempts) if (refusedTo.get(job)?.attempt === attempt) refusedTo.delete(job);
      for (const originRecord of [...probing]) {
        const { probe, breaker } = originRecord;
        const isOver = probe && attempts.some(({ job, attempt }) => job === probe.job && attempt === probe.attempt);
        if (isOver) move(originRecord, { is: 'gone', now: time.monotonic(), round: breaker.round });
      }
    },
    view() {
      const order = (one: OriginRecord) => (one.breaker.is === 'closed' ? 0 : 1);
      return [...accounts.values()].sort((a, b) => order(b) - order(a) || b.askedAt - a.askedAt).map(viewOf);
    },
    outages: () => [...accounts.values()].filter(isWorthAnIncident).flatMap(outageOf),
    recovery(origin) {
      const originRecord = accounts.get(origin);
      return originRecord?.breaker.is === 'closed' ? originRecord.recovery : undefined;
    },
    suspect(origin, since) {
      const originRecord = accountOf(origin);
      const now = time.monotonic();
      originRecord.breaker = suspectBreaker(now - Math.max(0, time.now() - since), now);
      originRecord.isKnown = true;
    },
    forget,
  };
}
