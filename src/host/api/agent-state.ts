import type { Listing } from '../../catalog/ports.ts';
import type { HoldUpView } from '../../control/protocol.ts';
import type { Incident } from '../../healing/ports.ts';
import type { Job } from '../../jobs/model.ts';
import { type Hold, isHeld } from '../../jobs/placement.ts';
import type { AgentOverview } from '../../jobs/ports.ts';
import { waitOf, waitsOf } from '../../jobs/waiting.ts';
import { locationOf } from '../../kernel/fault.ts';
import { formatDuration } from '../../kernel/units.ts';
import { LATE_AFTER_MS } from '../../schedule/decide.ts';
import { type Planning, whyUnscheduled } from '../../schedule/planning.ts';
import { holdUpSentence } from './hold-ups.ts';

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
  /** Why its newest job does not start; null or undefined: nothing is known to hold it up. */
  holdUp?: HoldUpView | null;
  /** The agent's newest incident that has not ended. */
  incident: Incident | undefined;
  /** The agent's next planned slot. */
  nextSlot: number | undefined;
  /** The planning of the agent's slots; undefined for an agent without a schedule. */
  planning?: Planning | undefined;
  /** The agent gets jobs in other ways than by its schedule. */
  hasTopics?: boolean;
  now: number;
}

const HELD_AS = {
  'safe-mode': 'paused',
  person: 'paused',
  setup: 'needs setup',
  quarantine: 'quarantined',
} as const satisfies Partial<Record<Hold['by'], AgentWord>>;

/** Hold-ups that are meant: a limit of the agent's own, and a machine that is short. */
const MEANT: ReadonlySet<HoldUpView['is']> = new Set(['limit', 'debounce', 'deferred']);

interface AgentVerdict {
  state: AgentWord;
  why: string;
}

type Rule = (facts: AgentStateFacts) => AgentVerdict | undefined;

/** The one word for how an agent is, and the sentence that says why. */
export function agentState(facts: AgentStateFacts): AgentVerdict {
  for (const rule of RULES) {
    const verdict = rule(facts);
    if (verdict) return verdict;
  }
  const { listing } = facts;
  return { state: 'new', why: listing.is === 'idle' ? listing.why : 'has not run yet' };
}

function offRule({ listing: { is, why, problem } }: AgentStateFacts): AgentVerdict | undefined {
  if (is === 'off') return { state: 'off', why };
  if (is !== 'rejected') return undefined;
  const place = problem ? locationOf(problem) : '';
  return { state: 'off', why: `rejected: ${place ? `${place} ` : ''}${problem?.message ?? why}` };
}

function heldRule({ hold, incident, now }: AgentStateFacts): AgentVerdict | undefined {
  return isHeld(hold) ? { state: HELD_AS[hold.by], why: heldWords(hold, incident, now) } : undefined;
}

function unscheduledRule({ planning, nextSlot, now }: AgentStateFacts): AgentVerdict | undefined {
  const fault = whyUnscheduled(planning, nextSlot, now);
  return fault && { state: 'unscheduled', why: `it has a schedule and no next run: ${fault.message}` };
}

function healingRule({ incident, overview }: AgentStateFacts): AgentVerdict | undefined {
  if (!incident || !overview || overview.running + overview.retrying + overview.queued === 0) return undefined;
  const remedy = incident.remedies.findLast(({ held }) => held === null);
  return remedy && { state: 'healing', why: `${incident.id}: ${incident.seen}; ${remedy.what}` };
}

/** The one run of an agent that runs always. Between two runs it is failed, unless it returned or waits for a server. */
function alwaysRule({ overview, now }: AgentStateFacts): AgentVerdict | undefined {
  const job = overview?.newest;
  if (job?.trigger !== 'always') return undefined;
  const starts = job.attempt <= 1 ? '' : `; started ${job.attempt} times`;
  if (job.state === 'running') {
    const since = formatDuration(Math.max(0, now - (job.startedAt ?? now)));
    return { state: 'running', why: `runs since ${since}${starts}` };
  }
  if (job.state !== 'retrying' || !job.error) return undefined;
  const next = `it is started again in ${formatDuration(Math.max(0, job.runAt - now))}${starts}`;
  const wait = waitOf(job.error);
  if (wait) return { state: 'retrying', why: `waits for ${wait.waitsFor}; ${next}` };
  const state = job.error.code === 'RUN_RETURNED' || job.error.code === 'HOST_LOST' ? 'retrying' : 'failed';
  return { state, why: `does not run: ${job.error.message}; ${next}` };
}

function runningRule(facts: AgentStateFacts): AgentVerdict | undefined {
  const { overview } = facts;
  if (!overview || overview.running === 0) return undefined;
  const { newest, running } = overview;
  const why = running === 1 && newest?.state === 'running' ? `running ${newest.id}` : `running ${counted(running)}`;
  return { state: 'running', why: [why, ...waitsWords(facts)].join('; ') };
}

const counted = (jobs: number) => (jobs === 1 ? 'a job' : `${jobs} jobs`);

/** `job-7 waits: it waits for its limit: …`, where the newest job waits and the reason is known. */
function waitsWords({ overview, holdUp, now }: AgentStateFacts): string[] {
  const newest = overview?.newest;
  return newest?.state === 'queued' && holdUp ? [`${newest.id} waits: ${holdUpSentence(holdUp, now)}`] : [];
}

function retryingRule({ overview, now }: AgentStateFacts): AgentVerdict | undefined {
  if (!overview || overview.retrying === 0) return undefined;
  const { newest, retrying } = overview;
  const why = newest?.state === 'retrying' ? retryWords(newest, now) : `${retrying} jobs wait for their next attempt`;
  return { state: 'retrying', why };
}

function retryWords({ id, runAt, error, attempt, attempts }: Job, now: number): string {
  const pause = formatDuration(Math.max(0, runAt - now));
  const wait = waitOf(error);
  if (wait) {
    const since = formatDuration(Math.max(0, now - wait.since));
    return `${id} waits for ${wait.waitsFor} since ${since} and loses no attempt; next try in ${pause}`;
  }
  const later = waitsOf(error);
  if (later?.isFree) {
    const times = later.waits === 1 ? 'once' : `${later.waits} times in a row`;
    return `${id} asked ${times} to be tried later and loses no attempt: ${error!.message}; next in ${pause}`;
  }
  return `attempt ${attempt} of ${attempts} failed: ${error?.message ?? 'no reason kept'}; next in ${pause}`;
}

function lateRule({ overview, nextSlot, holdUp, now }: AgentStateFacts): AgentVerdict | undefined {
  if (nextSlot !== undefined && now - nextSlot > LATE_AFTER_MS) {
    return { state: 'late', why: `due ${formatDuration(now - nextSlot)} ago, not started` };
  }
  const newest = overview?.newest;
  if (newest?.state !== 'queued' || now - newest.runAt <= LATE_AFTER_MS) return undefined;
  if (holdUp && MEANT.has(holdUp.is)) return undefined;
  const since = formatDuration(now - newest.runAt);
  if (holdUp) return { state: 'late', why: `${newest.id} waits since ${since}: ${holdUpSentence(holdUp, now)}` };
  return { state: 'late', why: `${newest.id} waits for a worker since ${since}` };
}

/** The newest job waits as somebody wanted, and the agent is as it was before it. */
function waitingRule(facts: AgentStateFacts): AgentVerdict | undefined {
  const [waits] = waitsWords(facts);
  if (waits === undefined) return undefined;
  const { state, why } = endedRule(facts) ?? { state: 'ok', why: '' };
  return { state, why: state === 'failed' ? `${why}; ${waits}` : waits };
}

function endedRule({ overview, planning, nextSlot, hasTopics }: AgentStateFacts): AgentVerdict | undefined {
  const ended = overview?.ended;
  if (ended?.state === 'dead') {
    return { state: 'failed', why: gaveUpWords(ended) };
  }
  if (planning?.is === 'ended' && nextSlot === undefined && !hasTopics) {
    const last = ended ? `${ended.id} was its last job` : 'it never ran: it was not known before its time';
    return { state: 'done', why: `its schedule ${planning.text} has ended; ${last}` };
  }
  return ended ? { state: 'ok', why: `${ended.id} done` } : undefined;
}

/** `job-3 gave up after one attempt: the shop answers 500` */
export function gaveUpWords({ id, attempt, error }: Pick<Job, 'id' | 'attempt' | 'error'>): string {
  return `${id} gave up after ${attempt === 1 ? 'one attempt' : `${attempt} attempts`}: ${error?.message ?? 'no reason kept'}`;
}

/** The first rule that holds decides. */
const RULES: readonly Rule[] = [
  offRule,
  heldRule,
  unscheduledRule,
  healingRule,
  alwaysRule,
  runningRule,
  retryingRule,
  lateRule,
  waitingRule,
  endedRule,
];

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
