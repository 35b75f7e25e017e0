import type { Evidence, Incident, Remedy, Verdict } from './ports.ts';

/** An event of an incident. Times in epoch ms. */
export type IncidentEvent =
  /** The same signal came again: the last remedy did not hold. */
  | { is: 'seen-again'; at: number; text: string; evidence: Evidence | null }
  | { is: 'job-affected'; at: number; job: string; text: string | null }
  | { is: 'remedied'; remedy: Omit<Remedy, 'held'> }
  /** The incident turned out to be of another verdict. */
  | { is: 'worsened'; at: number; verdict: Verdict; seen: string }
  | { is: 'remarked'; at: number; text: string }
  | { is: 'escalated'; at: number; text: string }
  | { is: 'healed'; at: number; text: string }
  | { is: 'closed'; at: number; text: string; note: string | null }
  | { is: 'noted'; at: number; note: string };

/** An incident that lasts for months must not grow its record without bound: the first few and the newest are kept. */
const KEPT = { first: 10, newest: 40 };

/** The incident after an event. An incident that has ended takes a person's note, and nothing else. */
export function stepIncident(incident: Incident, event: IncidentEvent): Incident {
  if (event.is === 'noted') return withLine({ ...incident, note: event.note }, event.at, 'noted', event.note);
  if (incident.state === 'healed' || incident.state === 'closed') return incident;
  switch (event.is) {
    case 'seen-again': {
      const again = {
        ...incident,
        repeats: incident.repeats + 1,
        remedies: buildCounts(incident.remedies, false),
        evidence: fuller(incident.evidence, event.evidence),
      };
      return withLine(again, event.at, 'seen', event.text);
    }
    case 'job-affected': {
      const hitJobs = incident.jobs.includes(event.job)
        ? incident
        : { ...incident, jobs: kept([...incident.jobs, event.job]) };
      return event.text === null ? hitJobs : withLine(hitJobs, event.at, 'job', event.text);
    }
    case 'remedied': {
      const { remedy } = event;
      const remedies = kept([...buildCounts(incident.remedies, false), { ...remedy, held: null }]);
      return withLine({ ...incident, remedies }, remedy.at, 'done', remedy.what);
    }
    case 'worsened':
      return withLine({ ...incident, verdict: event.verdict, seen: event.seen }, event.at, 'seen', event.seen);
    case 'remarked':
      return withLine(incident, event.at, 'note', event.text);
    case 'escalated':
      return withLine({ ...incident, state: 'escalated' }, event.at, 'escalated', event.text);
    case 'healed': {
      const remedies = buildCounts(incident.remedies, true);
      return withLine({ ...incident, state: 'healed', endedAt: event.at, remedies }, event.at, 'healed', event.text);
    }
    case 'closed': {
      const note = event.note ?? incident.note;
      return withLine({ ...incident, state: 'closed', endedAt: event.at, note }, event.at, 'closed', event.text);
    }
  }
}

/** The end of a remark on an incident that would have escalated, had the questions of its day not been used up. */
export const UNASKED = 'are used up, so nobody was asked';

/** Whether healing has no remedy left: a person or a model was asked, or would have been. */
export function wantsSomebody({ state, timeline }: Pick<Incident, 'state' | 'timeline'>): boolean {
  return state === 'escalated' || (state === 'open' && timeline.some(({ text }) => text.endsWith(UNASKED)));
}

/** The remedy that is not yet known to have held or not. */
export function pendingRemedy(incident: Incident): Remedy | undefined {
  return incident.remedies.findLast(({ held }) => held === null);
}

function buildCounts(remedies: Remedy[], held: boolean): Remedy[] {
  return remedies.map((remedy) => (remedy.held === null ? { ...remedy, held } : remedy));
}

function withLine(incident: Incident, at: number, what: string, text: string): Incident {
  return { ...incident, timeline: kept([...incident.timeline, { at, what, text }]) };
}

function kept<Item>(items: Item[]): Item[] {
  if (items.length <= KEPT.first + KEPT.newest) return items;
  return [...items.slice(0, KEPT.first), ...items.slice(-KEPT.newest)];
}

/** Evidence that was taken from a living worker says more than the fault alone. */
function fuller(known: Evidence | null, fresh: Evidence | null): Evidence | null {
  if (!fresh) return known;
  const says = ({ at: _, tookMs: __, fault: ___, ...rest }: Evidence) => Object.keys(rest).length;
  return known && says(known) > says(fresh) ? known : fresh;
}
