import type { Catalog } from '../../catalog/ports.ts';
import type { HoldUpView } from '../../control/protocol.ts';
import type { Job } from '../../jobs/model.ts';
import { type Hold, isDeferred, isHeld } from '../../jobs/placement.ts';
import type { JobRecords, JobWaitFacts } from '../../jobs/ports.ts';
import { waitOf } from '../../jobs/waiting.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { given } from '../../kernel/given.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Workers } from '../../workers/ports.ts';
import type { Placements } from '../placements.ts';
import { keyHoldUp } from './key-hold-up.ts';

/** Facts of a job that say why it waits. */
export type WaitingJob = Pick<Job, 'id' | 'agent' | 'state' | 'runAt' | 'error' | 'priority' | 'input'>;

/**
 * Why jobs do not start, one answer for each: null for a job that does not wait, and where nothing holds it up but its own time or
 * the moment that a free worker takes. Every list, page and answer that shows a job asks here.
 */
export type HoldUps = (jobs: readonly WaitingJob[]) => Promise<(HoldUpView | null)[]>;

export interface HoldUpNeeds {
  time: Pick<Time, 'now'>;
  workers: Pick<Workers, 'waitsForRoom' | 'capacity' | 'view'>;
  catalog: Pick<Catalog, 'agents' | 'listings'>;
  placements: Pick<Placements, 'holdOf' | 'of'>;
  store: Pick<JobRecords, 'waitFacts'>;
}

/** The hold of the job's agent comes first: nothing that comes after it would help before. */
export function createHoldUps(needs: HoldUpNeeds): HoldUps {
  const { time, catalog, placements, store } = needs;

  /** Asked of the store where the answer may depend on it. */
  async function factsOf(jobs: readonly WaitingJob[]): Promise<Map<string, JobWaitFacts>> {
    const now = time.now();
    const asked = jobs.flatMap(({ id, agent, runAt }) => {
      const { keyLimit: limit, debounce } = catalog.agents().get(agent) ?? {};
      const isAsked = runAt > now ? debounce !== undefined : limit !== undefined;
      return isAsked ? [{ job: id, ...given({ limit }) }] : [];
    });
    const facts = asked.length === 0 ? [] : await store.waitFacts(asked);
    return new Map(facts.map((one) => [one.job, one]));
  }

  function holdUpOf(job: WaitingJob, facts: JobWaitFacts | undefined): HoldUpView | null {
    const { agent, state, runAt, error, priority } = job;
    // An agent that is gone cannot be resumed.
    const isListed = catalog.listings().some(({ name }) => name === agent);
    if (!isListed && !isDrillAgent(agent)) return outOfForce(agent);
    const hold = placements.holdOf(agent);
    if (isHeld(hold)) return viewHold(agent, hold);
    const inForce = catalog.agents().get(agent);
    if (!inForce && !isDrillAgent(agent)) return outOfForce(agent);
    const wait = state === 'retrying' ? waitOf(error) : undefined;
    if (wait) return { is: 'origin', text: `it waits for ${wait.waitsFor}`, until: isoOf(runAt), next: null };
    if (isDeferred(hold, priority)) return { is: 'deferred', text: hold.reason, until: null, next: hold.next };
    if (runAt > time.now()) return facts?.isDebounced ? debounceHoldUp(runAt) : null;
    const limit = inForce?.keyLimit;
    const ofKey = limit && facts?.use ? keyHoldUp(limit, facts.use, job.input, time.now()) : null;
    return ofKey ?? roomHoldUp(needs, agent) ?? workersHoldUp(needs, agent);
  }

  function outOfForce(agent: string): HoldUpView {
    const listing = catalog.listings().find(({ name }) => name === agent);
    const why = listing ? (listing.problem?.message ?? listing.why) : 'no file in plugins/ or agents/ makes it';
    const next = listing?.problem ? 'daruma check' : listing ? `daruma status ${agent}` : 'daruma agents';
    return { is: 'off', text: `${agent} is not in force: ${why}`, until: null, next };
  }

  return async (jobs) => {
    const waiting = jobs.filter(doesWait);
    const facts = await factsOf(waiting);
    return jobs.map((job) => (doesWait(job) ? holdUpOf(job, facts.get(job.id)) : null));
  };
}

/** The reason in a sentence with its time: `it waits for its limit: shop "north", 2 began within 1m, again in 12s`. */
export function holdUpSentence({ text, until }: HoldUpView, now: number): string {
  return until === null ? text : `${text}, again in ${formatDuration(Math.max(0, Date.parse(until) - now))}`;
}

function doesWait({ state }: Pick<Job, 'state'>): boolean {
  return state === 'queued' || state === 'retrying';
}

function debounceHoldUp(runAt: number): HoldUpView {
  const text = 'it waits for more that may be sent (debounce)';
  return { is: 'debounce', text, until: isoOf(runAt), next: null };
}

/** The host has as many workers as it may have, and the agent has none. */
function roomHoldUp({ workers }: HoldUpNeeds, agent: string): HoldUpView | null {
  const wait = workers.waitsForRoom?.(agent);
  if (!wait) return null;
  const { most, isNarrowed } = wait;
  const text = isNarrowed
    ? `it waits for room: the machine is short, and no more than ${most} ${most === 1 ? 'worker' : 'workers'} may be there until it is not`
    : `it waits for room: ${most} workers are there, and no more may be (workers.max)`;
  return { is: 'room', text, until: null, next: 'daruma status' };
}

/** All workers of the agent have as many jobs as they may do side by side. */
function workersHoldUp({ workers, placements, catalog }: HoldUpNeeds, agent: string): HoldUpView | null {
  if (workers.capacity(agent) > 0) return null;
  const { concurrency = 1, workers: bounds } = catalog.agents().get(agent) ?? {};
  const now = workers.view().workers.filter((worker) => worker.agent === agent).length;
  const most = placements.of(agent)?.workers.max ?? bounds?.max ?? 0;
  if (now === 0) return null;
  const settings = concurrency > 1 ? `each with up to ${concurrency} jobs (workers.max, concurrency)` : '(workers.max)';
  const text = `it waits for a free worker: ${now} of ${Math.max(now, most)} are at work${concurrency > 1 ? ', ' : ' '}${settings}`;
  return { is: 'workers', text, until: null, next: `daruma status ${agent}` };
}

function viewHold(agent: string, hold: Hold): HoldUpView {
  const { by, reason, next } = hold;
  const until = isoOrNull(hold.until);
  switch (by) {
    case 'safe-mode':
      return { is: 'held', text: `${agent} is held: ${reason}`, until, next };
    case 'person':
      return { is: 'paused', text: `${agent} is paused`, until, next };
    case 'quarantine': {
      const which = `${agent} is in quarantine${hold.quarantine?.incident ? ` (${hold.quarantine.incident})` : ''}`;
      const text = until === null ? `held while one job is tried: ${which}` : `held until the next probe: ${which}`;
      return { is: 'quarantined', text, until, next };
    }
    default:
      return { is: 'setup', text: reason, until, next };
  }
}
