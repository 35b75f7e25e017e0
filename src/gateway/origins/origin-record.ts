import { given } from '../../kernel/given.ts';
import type { CallEnd, Outage, Recovery } from '../../kernel/origin.ts';
import { percentile } from '../../kernel/statistics.ts';
import { type Breaker, newBreaker } from './breaker.ts';
import type { OriginTerms } from './terms.ts';

/** An origin: its breaker, the ends of its calls, and the agents and jobs that an outage hits. */
export interface OriginRecord {
  origin: string;
  terms: OriginTerms;
  /** The settings name the origin: each of its outages is reported. */
  isNamed: boolean;
  /** The outage is an incident of the host before this one. */
  isKnown: boolean;
  breaker: Breaker;
  /** The attempt that holds the probe. */
  probe: { job: string; attempt: number; agent: string } | null;
  /** Epoch ms. */
  askedAt: number;
  calls: number;
  failures: number;
  refused: number;
  newest: Outage['failures'];
  /** The durations of the newest good calls, as a ring. */
  durations: number[];
  /** The agents and jobs hit since the origin went down; empty while it is up. */
  impact: OutageImpact;
  recovery: Recovery | undefined;
}

/** Agents and jobs that met an outage, and how. */
interface OutageImpact {
  agents: Set<string>;
  jobs: Set<string>;
  refused: number;
  diverted: number;
  barred: Map<string, { origin: string; agent: string }>;
}

const KEPT_DURATIONS = 200;
const KEPT_FAILURES = 5;
const MOST_AGENTS = 50;
const MOST_JOBS = 1_000;

export function newOriginRecord(origin: string, terms: OriginTerms, isNamed: boolean, askedAt: number): OriginRecord {
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

export function nothingHit(): OutageImpact {
  return { agents: new Set(), jobs: new Set(), refused: 0, diverted: 0, barred: new Map() };
}

/** Counts what came of one call. */
export function countCall(originRecord: OriginRecord, end: CallEnd, at: number): void {
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

/** Counts an agent that was refused, diverted or made to wait. */
export function countImpact(
  { impact }: OriginRecord,
  who: { agent: string; job?: string },
  how: 'refused' | 'diverted' | 'waits',
): void {
  if (impact.agents.size < MOST_AGENTS) impact.agents.add(who.agent);
  if (how === 'waits') {
    if (who.job !== undefined && impact.jobs.size < MOST_JOBS) impact.jobs.add(who.job);
  } else impact[how] += 1;
}

/**
 * True: the outage opens an incident, because an agent met it, or a probe found the origin still down. A dead link that a crawler
 * follows once opens none.
 */
export function opensIncident({ breaker, isNamed, isKnown, impact }: OriginRecord): boolean {
  if (breaker.is === 'closed') return false;
  return isNamed || isKnown || breaker.tries > 0 || impact.refused + impact.diverted + impact.jobs.size > 0;
}

export function percentiles({ durations }: OriginRecord): { p50Ms: number | null; p95Ms: number | null } {
  const sorted = [...durations].sort((a, b) => a - b);
  return { p50Ms: percentile(sorted, 0.5), p95Ms: percentile(sorted, 0.95) };
}
