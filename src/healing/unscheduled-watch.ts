import type { PlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { Time } from '../kernel/time.ts';
import { newestWith, type OpenIncidents } from './open-incidents.ts';
import type { Signals } from './signals.ts';

/** An agent with a schedule and without a next slot. */
export interface Unscheduled {
  agent: string;
  fault: PlainFault;
}

/** Finds agents whose schedule has no further time though it was not meant to end, and their return. */
export interface UnscheduledWatch {
  /** Looks once. An agent that is found is reported at once, then again each minute: the next remedy follows. */
  look(): Promise<void>;
}

interface UnscheduledWatchNeeds extends Pick<Signals, 'notice' | 'heal'> {
  time: Time;
  openIncidents: Pick<OpenIncidents, 'all'>;
  find: (() => Promise<Unscheduled[]>) | undefined;
}

const AGAIN_AFTER_MS = 60_000;

export function createUnscheduledWatch({
  time,
  openIncidents,
  notice,
  heal,
  find,
}: UnscheduledWatchNeeds): UnscheduledWatch {
  /**
   * By agent: the report that came last. A report whose incident a person has closed stays closed for as long as it
   * lasts.
   */
  const said = new Map<string, string>();
  let looking: Promise<void> | undefined;
  let again = false;

  async function lookOnce() {
    const found = new Map((await find!()).map(({ agent, fault }) => [agent, fault]));
    for (const one of openIncidents.all()) {
      const { agent, verdict } = one.incident;
      if (verdict === 'unscheduled' && agent !== null && !found.has(agent)) heal(one, 'its next slot is planned');
    }
    for (const agent of said.keys()) if (!found.has(agent)) said.delete(agent);
    for (const [agent, fault] of found) {
      const of = openIncidents.all().filter(({ incident }) => incident.agent === agent);
      // All trouble of an agent that is crash-looping is part of that incident.
      if (newestWith(of, 'crash-looping')) continue;
      const withUnscheduled = newestWith(of, 'unscheduled');
      if (withUnscheduled ? time.now() - withUnscheduled.lastAt < AGAIN_AFTER_MS : said.get(agent) === fault.message)
        continue;
      said.set(agent, fault.message);
      const seen = `it has a schedule and no next run: ${fault.message}`;
      const because = { code: 'UNSCHEDULED', message: seen, ...given({ next: fault.next }) };
      notice({ agent, verdict: 'unscheduled', because, seen }, {});
    }
  }

  async function lookOn() {
    do {
      again = false;
      await lookOnce();
    } while (again);
  }

  return {
    look() {
      if (!find) return Promise.resolve();
      // Two looks at a time would open two incidents for one thing.
      again = true;
      looking ??= lookOn().finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
}
