import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import type { Time } from '../kernel/time.ts';
import type { OpenIncident, OpenIncidents } from './open-incidents.ts';
import type { Action } from './ports.ts';

/** The hands of healing: what other rooms do when it asks. */
export interface ActionNeeds {
  time: Time;
  openIncidents: Pick<OpenIncidents, 'next' | 'apply'>;
  /** The agent's jobs may start. */
  wake(agent: string): void;
  /** The worker goes between two jobs. */
  recycle(worker: string, why: PlainFault): void;
  /** The agent gets a cell of its own from now on. */
  ownCell(agent: string): void;
  /** The agent's workers that hold nothing are let go. */
  dropIdle(agent: string): void;
  /** Gives back what disk can be given back without harm, and says in words how much. */
  cleanUp(): Promise<string>;
  /** The agent's next slots are written anew. */
  planAgain?(agent: string): void;
}

/** Returns what carries an {@link Action} out for an incident. */
export function createActions(needs: ActionNeeds): (action: Action, one: OpenIncident) => void {
  const { openIncidents } = needs;

  /** A clean-up takes a while; what came of it is noted when it is known. */
  function cleanUp(one: OpenIncident) {
    const done = needs.cleanUp().catch((error) => `the clean-up failed: ${toPlainFault(error).message}`);
    openIncidents.next(one, async () => {
      const text = await done;
      openIncidents.apply(one, { is: 'remarked', at: needs.time.now(), text });
    });
  }

  function forAgent(agent: string, action: Action, { incident, worker }: OpenIncident) {
    if (action === 'plan-again') needs.planAgain?.(agent);
    if (action === 'own-cell' || action === 'fresh-worker') needs.ownCell(agent);
    if (action === 'fresh-worker') needs.dropIdle(agent);
    if (action === 'catch-up' || action === 'fresh-worker') needs.wake(agent);
    if (action === 'recycle' && worker !== undefined)
      needs.recycle(worker, { code: 'RECYCLED', message: incident.seen });
  }

  return (action, one) => {
    switch (action) {
      case 'clean-up':
        return cleanUp(one);
      case 'quarantine':
        // The gate closed when the restart budget was spent: no job may start until the incident is written.
        return;
      default:
        if (one.incident.agent !== null) forAgent(one.incident.agent, action, one);
    }
  };
}
