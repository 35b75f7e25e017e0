import { isoOf } from '../../kernel/instant.ts';
import { type BreakerEvent, newBreaker, stepBreaker, suspectBreaker } from './breaker.ts';
import { nothingHit, type OriginRecord, opensIncident } from './origin-record.ts';
import type { OriginsNeeds } from './ports.ts';
import { type OriginSettings, type OriginTerms, termsFor } from './terms.ts';

const MOST_AGENTS = 50;
const MOST_JOBS = 1_000;

/** The number of origins that the host remembers; an agent that may call every origin must not fill its memory. */
const MOST_ORIGINS = 500;

/** The records of all origins, and how they change. */
interface OriginRecords {
  all(): OriginRecord[];
  get(origin: string): OriginRecord | undefined;
  /** The record, a new one when there is none; its terms are those of the settings now. */
  of(origin: string): OriginRecord;
  /** Records with a probe that is out. */
  probing(): OriginRecord[];
  forget(origin: string): void;
  /** The origin was down (epoch ms) when the host before this one ended. */
  suspect(origin: string, since: number): void;
  /** Steps the breaker and says what changed; false: the breaker refuses the event. */
  move(originRecord: OriginRecord, event: BreakerEvent): boolean;
  recordImpact(
    originRecord: OriginRecord,
    who: { agent: string; job?: string },
    how: 'refused' | 'diverted' | 'waits',
  ): void;
  /** Epoch ms of a monotonic time. */
  wallOf(monotonic: number): number;
}

export function createOriginRecords(needs: OriginsNeeds): OriginRecords {
  const { time, log } = needs;
  const records = new Map<string, OriginRecord>();
  const probing = new Set<OriginRecord>();
  let read: OriginSettings = needs.settings();

  const wallOf = (monotonic: number) => Math.round(time.now() + monotonic - time.monotonic());

  /** A chain that is written down during an outage helps in that outage. */
  function takeSettings() {
    const now = needs.settings();
    if (now === read) return;
    read = now;
    for (const originRecord of records.values()) {
      originRecord.terms = termsFor(originRecord.origin, read);
      originRecord.isNamed = originRecord.origin in read;
    }
  }

  function recordOf(origin: string): OriginRecord {
    takeSettings();
    let originRecord = records.get(origin);
    if (!originRecord) {
      if (records.size >= MOST_ORIGINS) dropOne();
      originRecord = newOriginRecord(origin, termsFor(origin, read), origin in read, time.now());
      records.set(origin, originRecord);
    }
    return originRecord;
  }

  /** The origin that agents have not called for longest; an origin that is down only when all are. */
  function dropOne() {
    const all = [...records.values()].sort((a, b) => a.askedAt - b.askedAt);
    const gone = all.find(({ breaker }) => breaker.is === 'closed') ?? all[0]!;
    forget(gone.origin);
  }

  function forget(origin: string) {
    const originRecord = records.get(origin);
    if (originRecord) probing.delete(originRecord);
    records.delete(origin);
  }

  /** Records that an agent met the outage; the outage may open an incident now. */
  function recordImpact(
    originRecord: OriginRecord,
    who: { agent: string; job?: string },
    how: 'refused' | 'diverted' | 'waits',
  ) {
    const before = opensIncident(originRecord);
    countImpact(originRecord, who, how);
    if (!before && opensIncident(originRecord)) needs.changed();
  }

  function move(originRecord: OriginRecord, event: BreakerEvent): boolean {
    const before = originRecord.breaker;
    const after = stepBreaker(before, event, originRecord.terms);
    if (after === 'refused') return false;
    originRecord.breaker = after;
    if (after.is !== before.is) {
      if (originRecord.probe) countImpact(originRecord, { agent: originRecord.probe.agent }, 'waits');
      if (before.is === 'half-open' && after.is === 'closed') recovered(originRecord, wallOf(before.since));
      if (after.is === 'half-open') probing.add(originRecord);
      else {
        originRecord.probe = null;
        probing.delete(originRecord);
      }
      recordChange(originRecord, before.is);
      needs.changed();
    }
    return true;
  }

  /** Logs a line when the origin goes down and a line when it is back; failed probes are logged at a lower level. */
  function recordChange({ origin, breaker, newest }: OriginRecord, before: string) {
    const last = newest.at(-1)?.what ?? 'it was down before';
    if (breaker.is === 'closed') log.info(`${origin} is back`, { origin });
    if (breaker.is !== 'open') return;
    const data = { origin, until: isoOf(wallOf(breaker.until)), last };
    if (before === 'closed') log.warn(`${origin} is down (${last}): it is not asked for now`, data);
    else log.debug(`${origin} is still down (${last})`, data);
  }

  function recovered(originRecord: OriginRecord, since: number) {
    const { origin, impact, probe } = originRecord;
    const { refused, diverted, jobs } = impact;
    const agent = probe?.agent ?? 'nobody known';
    originRecord.recovery = { origin, since, at: time.now(), agent, refused, diverted, jobs: jobs.size };
    originRecord.impact = nothingHit();
    originRecord.isKnown = false;
  }

  return {
    all: () => [...records.values()],
    get: (origin) => records.get(origin),
    of: recordOf,
    probing: () => [...probing],
    forget,
    suspect(origin, since) {
      const originRecord = recordOf(origin);
      const now = time.monotonic();
      originRecord.breaker = suspectBreaker(now - Math.max(0, time.now() - since), now);
      originRecord.isKnown = true;
    },
    move,
    recordImpact,
    wallOf,
  };
}

function newOriginRecord(origin: string, terms: OriginTerms, isNamed: boolean, askedAt: number): OriginRecord {
  return {
    origin,
    terms,
    isNamed,
    isKnown: false,
    breaker: newBreaker(),
    probe: null,
    askedAt,
    calls: 0,
    failures: 0,
    refused: 0,
    newest: [],
    durations: [],
    impact: nothingHit(),
    recovery: undefined,
  };
}

/** Counts an agent that was refused, diverted or made to wait. */
function countImpact(
  { impact }: OriginRecord,
  who: { agent: string; job?: string },
  how: 'refused' | 'diverted' | 'waits',
): void {
  if (impact.agents.size < MOST_AGENTS) impact.agents.add(who.agent);
  if (how === 'waits') {
    if (who.job !== undefined && impact.jobs.size < MOST_JOBS) impact.jobs.add(who.job);
  } else impact[how] += 1;
}
