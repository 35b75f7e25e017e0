import type { Catalog } from '../../catalog/ports.ts';
import type { HoldUpView } from '../../control/protocol.ts';
import type { Job } from '../../jobs/model.ts';
import { type Hold, isDeferred, isHeld } from '../../jobs/placement.ts';
import { waitOf } from '../../jobs/waiting.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import type { Workers } from '../../workers/ports.ts';
import type { Placements } from '../placements.ts';

/** Why a job that waits does not start; null when nothing holds it up but its own time or a free worker. */
export type HoldUps = (job: Pick<Job, 'agent' | 'state' | 'runAt' | 'error' | 'priority'>) => HoldUpView | null;

interface HoldUpNeeds {
  workers: Pick<Workers, 'waitsForRoom'>;
  catalog: Pick<Catalog, 'agents' | 'listings'>;
  placements: Pick<Placements, 'holdOf'>;
}

/** The hold of the job's agent comes first: nothing that comes after it would help before. */
export function createHoldUps({ catalog, placements, workers }: HoldUpNeeds): HoldUps {
  return ({ agent, state, runAt, error, priority }) => {
    if (state !== 'queued' && state !== 'retrying') return null;
    // An agent that is gone cannot be resumed.
    const isListed = catalog.listings().some(({ name }) => name === agent);
    if (!isListed && !isDrillAgent(agent)) return outOfForce(agent);
    const hold = placements.holdOf(agent);
    if (isHeld(hold)) return viewHold(agent, hold);
    if (!catalog.agents().has(agent) && !isDrillAgent(agent)) return outOfForce(agent);
    const wait = state === 'retrying' ? waitOf(error) : undefined;
    if (wait) return { is: 'origin', text: `it waits for ${wait.waitsFor}`, until: isoOf(runAt), next: null };
    if (!isDeferred(hold, priority)) return roomHoldUp(agent);
    return { is: 'deferred', text: hold.reason, until: null, next: hold.next };
  };

  function roomHoldUp(agent: string): HoldUpView | null {
    const wait = workers.waitsForRoom?.(agent);
    if (!wait) return null;
    const text = `it waits for room: ${wait.most} workers are there, and no more may be (workers.max)`;
    return { is: 'room', text, until: null, next: 'daruma status' };
  }

  function outOfForce(agent: string): HoldUpView {
    const listing = catalog.listings().find(({ name }) => name === agent);
    const why = listing ? (listing.problem?.message ?? listing.why) : 'no file in plugins/ or agents/ makes it';
    const next = listing?.problem ? 'daruma check' : listing ? `daruma status ${agent}` : 'daruma agents';
    return { is: 'off', text: `${agent} is not in force: ${why}`, until: null, next };
  }
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
