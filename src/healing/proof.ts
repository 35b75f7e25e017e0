import type { Settlement } from '../jobs/ports.ts';
import type { Incident } from './ports.ts';

interface ProofFacts {
  incident: Incident;
  /** When its signal was last seen, epoch ms. */
  lastAt: number;
  /** The worker that it is about, if it still lives. */
  worker: string | undefined;
}

/**
 * Whether the end of an attempt proves that the incident is over: a real job was done that began after the last
 * signal, or one of those that the incident affected. An incident of the host is proven by any agent's job, lateness
 * by any work that began, pressure, a server that is down, a ring of jobs, a backlog and a schedule without a next
 * slot by no job at all.
 */
export function isProof({ incident, lastAt, worker }: ProofFacts, end: Settlement): boolean {
  switch (incident.verdict) {
    case 'pressed':
    case 'disk-short':
    case 'failing-over':
    case 'looping':
    case 'falling-behind':
    case 'unscheduled':
      return false;
    case 'late':
      return end.startedAt >= incident.openedAt;
    case 'leaking': {
      // Before its worker went, a job that is done says nothing of a leak.
      const recycled = incident.remedies.findLast(({ kind }) => kind === 'recycle');
      return recycled !== undefined && end.state === 'done' && end.startedAt >= recycled.at && end.worker !== worker;
    }
    default:
      return end.state === 'done' && (end.startedAt >= lastAt || incident.jobs.includes(end.job));
  }
}
