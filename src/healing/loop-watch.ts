import type { RefusedChain } from '../jobs/chains.ts';
import type { Time } from '../kernel/time.ts';
import type { OpenIncident, OpenIncidents } from './open-incidents.ts';
import type { Signals } from './signals.ts';

/** Sees agents whose jobs make jobs without end: one incident for each ring of agents, however many jobs are refused. */
export interface LoopWatch {
  /** A job was refused to make another. */
  refused(chain: RefusedChain): void;
  /** A look at all rings: a ring that was not heard of for a while has come to its end. */
  look(): void;
}

interface LoopWatchNeeds extends Pick<Signals, 'notice' | 'again' | 'heal'> {
  time: Time;
  openIncidents: Pick<OpenIncidents, 'all' | 'next' | 'apply'>;
}

/** Refusals within this time of the last one that was written down are counted, not written. */
const REPORT_AGAIN_AFTER_MS = 60_000;
/** No chain was refused for this long: the loop has ended. */
const QUIET_MS = 600_000;

/** Refusals since the record of an open incident was last written. */
interface Since {
  count: number;
  reportedAt: number;
}

export function createLoopWatch({ time, openIncidents, notice, again, heal }: LoopWatchNeeds): LoopWatch {
  const counted = new WeakMap<OpenIncident, Since>();

  function openOf(agents: readonly string[]): OpenIncident | undefined {
    return open().find((one) => agentsOf(one).some((agent) => agents.includes(agent)));
  }

  function open(): OpenIncident[] {
    return openIncidents.all().filter(({ incident }) => incident.verdict === 'looping');
  }

  return {
    refused({ agent, job, because, agents }) {
      const now = time.now();
      const known = openOf(agents);
      if (!known) {
        const { chain } = because.data ?? {};
        const seen = `jobs of ${agent} make jobs without end: ${because.message}${chain ? ` (${chain})` : ''}`;
        const one = notice({ agent, verdict: 'looping', because, seen, job }, { note: because.next ?? '' });
        counted.set(one, { count: 0, reportedAt: now });
        return;
      }
      const since = counted.get(known) ?? { count: 0, reportedAt: known.lastAt };
      counted.set(known, since);
      since.count += 1;
      known.lastAt = now;
      if (now - since.reportedAt < REPORT_AGAIN_AFTER_MS) return;
      again(known, `${since.count} more were refused, the last to ${job} of ${agent}`, because.next ?? '');
      counted.set(known, { count: 0, reportedAt: now });
    },
    look() {
      for (const one of open()) {
        if (time.now() - one.lastAt < QUIET_MS) continue;
        const more = counted.get(one)?.count ?? 0;
        heal(one, `${more > 0 ? `${more} more were refused, then ` : ''}no job was refused for 10 minutes`);
      }
    },
  };
}

/** Every agent of the ring. */
function agentsOf({ incident }: OpenIncident): readonly string[] {
  const agents = incident.evidence?.fault?.data?.agents;
  return Array.isArray(agents) ? (agents as string[]) : incident.agent === null ? [] : [incident.agent];
}
