import type { Listing } from '../../catalog/ports.ts';
import type { Incident } from '../../healing/ports.ts';
import { type Hold, isHeld } from '../../jobs/placement.ts';
import type { AgentOverview } from '../../jobs/ports.ts';
import { waitOf, waitsOf } from '../../jobs/waiting.ts';
import { locationOf } from '../../kernel/fault.ts';
import { formatDuration } from '../../kernel/units.ts';
import { LATE_AFTER_MS } from '../../schedule/decide.ts';
import { type Planning, whyUnscheduled } from '../../schedule/planning.ts';

export type AgentWord =
  | 'new'
  | 'ok'
  | 'running'
  | 'retrying'
  | 'late'
  | 'failed'
  | 'healing'
  | 'quarantined'
  | 'paused'
  | 'needs setup'
  | 'off'
  | 'unscheduled'
  | 'done';

export interface AgentStateFacts {
  listing: Listing;
  overview: AgentOverview | undefined;
  hold: Hold | null;
  /** Its newest incident that has not ended. */
  incident: Incident | undefined;
  /** The agent's next planned slot. */
  nextSlot: number | undefined;
  /** How far the slots of its schedule are planned; undefined for an agent without one. */
  planning?: Planning | undefined;
  /** It gets jobs in other ways than by its schedule. */
  hasTopics?: boolean;
  now: number;
}

const HELD_AS = {
  'safe-mode': 'paused',
  person: 'paused',
  setup: 'needs setup',
  quarantine: 'quarantined',
} as const satisfies Partial<Record<Hold['by'], AgentWord>>;

/** The one word for how an agent is, and the sentence that says why. The first rule that holds decides. */
export function agentState(facts: AgentStateFacts): { state: AgentWord; why: string } {
  const { listing, overview, hold, nextSlot, now } = facts;
  const newest = overview?.newest ?? null;
  if (listing.is === 'off') return { state: 'off', why: listing.why };
  if (listing.is === 'rejected') {
    const place = listing.problem ? locationOf(listing.problem) : '';
    return { state: 'off', why: `rejected: ${place ? `${place} ` : ''}${listing.problem?.message ?? listing.why}` };
  }
  if (isHeld(hold)) return { state: HELD_AS[hold.by], why: heldWords(hold, facts.incident, now) };
  const unscheduled = whyUnscheduled(facts.planning, nextSlot, now);
  if (unscheduled) return { state: 'unscheduled', why: `it has a schedule and no next run: ${unscheduled.message}` };
  if (facts.incident && overview && overview.running + overview.retrying + overview.queued > 0) {
    const { id, seen, remedies } = facts.incident;
    const remedy = remedies.findLast(({ held }) => held === null);
    if (remedy) return { state: 'healing', why: `${id}: ${seen}; ${remedy.what}` };
  }
  if (overview && overview.running > 0) {
    return {
      state: 'running',
      why: overview.running === 1 ? `running ${newest?.id ?? 'a job'}` : `running ${overview.running} jobs`,
    };
  }
  if (overview && overview.retrying > 0) {
    const waiting = newest?.state === 'retrying' ? newest : null;
    if (!waiting) return { state: 'retrying', why: `${overview.retrying} jobs wait for their next attempt` };
    const pause = Math.max(0, waiting.runAt - now);
    const wait = waitOf(waiting.error);
    if (wait) {
      const since = formatDuration(Math.max(0, now - wait.since));
      return {
        state: 'retrying',
        why: `${waiting.id} waits for ${wait.waitsFor} since ${since} and loses no attempt; next try in ${formatDuration(pause)}`,
      };
    }
    const later = waitsOf(waiting.error);
    if (later?.isFree) {
      const times = later.waits === 1 ? 'once' : `${later.waits} times in a row`;
      return {
        state: 'retrying',
        why: `${waiting.id} asked ${times} to be tried later and loses no attempt: ${waiting.error!.message}; next in ${formatDuration(pause)}`,
      };
    }
    return {
      state: 'retrying',
      why: `attempt ${waiting.attempt} of ${waiting.attempts} failed: ${waiting.error?.message ?? 'no reason kept'}; next in ${formatDuration(pause)}`,
    };
  }
  if (nextSlot !== undefined && now - nextSlot > LATE_AFTER_MS) {
    return { state: 'late', why: `due ${formatDuration(now - nextSlot)} ago, not started` };
  }
  if (newest?.state === 'queued' && now - newest.runAt > LATE_AFTER_MS) {
    return { state: 'late', why: `${newest.id} waits for a worker since ${formatDuration(now - newest.runAt)}` };
  }
  const ended = overview?.ended;
  if (ended?.state === 'dead') {
    return {
      state: 'failed',
      why: `${ended.id} gave up after ${ended.attempt === 1 ? 'one attempt' : `${ended.attempt} attempts`}: ${ended.error?.message ?? 'no reason kept'}`,
    };
  }
  if (facts.planning?.is === 'ended' && nextSlot === undefined && !facts.hasTopics) {
    const last = ended ? `${ended.id} was its last job` : 'it never ran: it was not known before its time';
    return { state: 'done', why: `its schedule ${facts.planning.text} has ended; ${last}` };
  }
  if (ended) return { state: 'ok', why: `${ended.id} done` };
  return { state: 'new', why: listing.is === 'idle' ? listing.why : 'has not run yet' };
}

function heldWords({ reason, until, quarantine }: Hold, newest: Incident | undefined, now: number): string {
  if (!quarantine) return reason;
  const { incident, probes } = quarantine;
  const seen = newest?.id === incident ? `: ${newest.seen}` : '';
  const probe =
    until !== null && until > now
      ? `the next job is a probe in ${formatDuration(until - now)}`
      : 'the next job is a probe';
  const failed = probes === 0 ? '' : `, ${probes} failed`;
  return `${incident || 'an incident'}${seen}; ${probe}${failed}; a change of its files lifts it`;
}
