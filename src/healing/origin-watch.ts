import { isDrillAgent } from '../kernel/drill-agents.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { DAY_MS } from '../kernel/measures.ts';
import { ORIGIN_DOWN, type Outage } from '../kernel/origin.ts';
import type { Time } from '../kernel/time.ts';
import type { OpenIncident, OpenIncidents } from './open-incidents.ts';
import type { OutageSource } from './ports.ts';
import type { Signals } from './signals.ts';
import { failOverNote, originWords, probeNote, probeWords, recoveryWords } from './words.ts';

/** Sees that servers that agents call are down, and that they are back: one incident for each outage. */
export interface OriginWatch {
  /** A look at all origins; called whenever something changed, and from time to time. */
  look(): void;
}

interface OriginWatchNeeds extends Pick<Signals, 'notice' | 'heal' | 'close'> {
  time: Time;
  openIncidents: Pick<OpenIncidents, 'all' | 'next' | 'apply'>;
  outageSource: OutageSource | undefined;
}

/** When the network of the machine is down, everything is: more incidents of one kind at a time say nothing more. */
const MOST_OPEN = 20;
/** An origin that was not asked for this long has no waiting job: no job waits longer. */
const FORGOTTEN_AFTER_MS = DAY_MS;
/** The beginning of an outage is known by two clocks. */
const SAME_MS = 5_000;
const MOST_JOBS = 40;

export function createOriginWatch({
  time,
  openIncidents,
  notice,
  heal,
  close,
  outageSource,
}: OriginWatchNeeds): OriginWatch {
  /** By origin: the outage that was reported last, and the probes of it. */
  const reported = new Map<string, { since: number; tries: number }>();

  function open(): Map<string, OpenIncident> {
    const mine = openIncidents.all().filter(({ incident }) => incident.verdict === 'failing-over');
    return new Map(mine.map((one) => [originOf(one), one]));
  }

  function reportOutage(outage: Outage) {
    const { origin, since, tries } = outage;
    const seen = tries === 0 ? originWords(outage) : probeWords(outage);
    const note = tries === 0 ? failOverNote(outage) : probeNote(outage);
    const one = notice(
      { agent: agentOf(outage), verdict: 'failing-over', because: faultOf(outage, seen), seen },
      { note },
    );
    reported.set(origin, { since, tries });
    addImpact(one, outage);
  }

  function addImpact(one: OpenIncident, { jobs }: Outage) {
    const at = time.now();
    openIncidents.next(one, () => {
      for (const job of jobs.slice(-MOST_JOBS)) openIncidents.apply(one, { is: 'job-affected', at, job, text: null });
    });
  }

  function end(one: OpenIncident, origin: string) {
    reported.delete(origin);
    const recovery = outageSource?.recovery(origin);
    if (recovery) heal(one, recoveryWords(recovery));
    else close(one, 'nobody asks for it any more');
  }

  return {
    look() {
      if (!outageSource) return;
      const now = time.now();
      const outages = new Map(outageSource.outages().map((outage) => [outage.origin, outage]));
      for (const [origin, outage] of outages) {
        if (now - outage.askedAt <= FORGOTTEN_AFTER_MS) continue;
        outageSource.forget(origin);
        outages.delete(origin);
      }
      const openIncidents = open();
      for (const [origin, one] of openIncidents) if (!outages.has(origin)) end(one, origin);
      for (const [origin, outage] of outages) {
        const before = reported.get(origin);
        const isSame = before !== undefined && Math.abs(before.since - outage.since) < SAME_MS;
        const isOpen = openIncidents.has(origin);
        // An incident that a person has closed stays closed for as long as the outage lasts.
        if (!isOpen && (isSame || openIncidents.size >= MOST_OPEN)) continue;
        // After a restart of the host it is the incident of the host before.
        if (isOpen && !isSame) reported.set(origin, { since: outage.since, tries: outage.tries });
        else if (!isOpen || outage.tries > before!.tries) reportOutage(outage);
      }
    },
  };
}

/** An outage is the host's matter, unless only a drill met it. */
function agentOf({ agents }: Outage): string | null {
  return agents.length > 0 && agents.every(isDrillAgent) ? agents[0]! : null;
}

function originOf({ incident }: OpenIncident): string {
  return String(incident.evidence?.fault?.data?.origin ?? '');
}

function faultOf(outage: Outage, message: string): PlainFault {
  const { origin, since, tries, failures, agents, refused, diverted, jobs, instead, barred } = outage;
  const iso = isoOf;
  const data = {
    origin,
    since: iso(since),
    probes: tries,
    failures: failures.map((failure) => ({ ...failure, at: iso(failure.at) })),
    agents,
    refused,
    diverted,
    waiting: jobs.length,
    instead,
    ...(barred.length > 0 ? { barred } : {}),
  };
  return { code: ORIGIN_DOWN, message, data };
}
