import type { Outage, Recovery } from '../../kernel/origin.ts';
import type { Breaker } from './breaker.ts';
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

export function nothingHit(): OutageImpact {
  return { agents: new Set(), jobs: new Set(), refused: 0, diverted: 0, barred: new Map() };
}

/**
 * True: the outage opens an incident, because an agent met it, or a probe found the origin still down. A dead link that a crawler
 * follows once opens none.
 */
export function opensIncident({ breaker, isNamed, isKnown, impact }: OriginRecord): boolean {
  if (breaker.is === 'closed') return false;
  return isNamed || isKnown || breaker.tries > 0 || impact.refused + impact.diverted + impact.jobs.size > 0;
}
