import type { FleetAgent, FleetReport } from 'daruma';

export interface Totals {
  /** Jobs that ended. */
  jobs: number;
  dead: number;
  /** Share of the ended jobs that were done; null when none ended. */
  success: number | null;
  /** Attempts that failed, though the job may have been done in the end. */
  failedAttempts: number;
  restarts: number;
  kept: number;
  missed: number;
  skipped: number;
}

/** States in which somebody has to do something, or soon will have to. */
const TROUBLED = new Set(['failed', 'quarantined', 'late', 'healing', 'unscheduled']);

export function totalsOf(report: FleetReport): Totals {
  const sum = (pick: (agent: FleetAgent) => number) => report.agents.reduce((all, agent) => all + pick(agent), 0);
  const dead = sum((agent) => agent.dead);
  const jobs = dead + sum((agent) => agent.done);
  return {
    jobs,
    dead,
    success: jobs === 0 ? null : (jobs - dead) / jobs,
    failedAttempts: sum((agent) => agent.failedAttempts),
    restarts: sum((agent) => agent.restarts),
    kept: sum((agent) => agent.slotsKept),
    missed: sum((agent) => agent.slotsMissed),
    skipped: sum((agent) => agent.slotsSkipped),
  };
}

/** Nothing ended and no slot was due: there is nothing to tell. */
export function isEmpty(totals: Totals): boolean {
  return totals.jobs === 0 && totals.failedAttempts === 0 && totals.kept + totals.missed + totals.skipped === 0;
}

/** Share of the slots that were kept, of those that were kept or missed; null without any. */
export function slotShare({ kept, missed }: { kept: number; missed: number }): number | null {
  return kept + missed === 0 ? null : kept / (kept + missed);
}

/** Agents with something to tell of: those that did anything, or are in trouble; most jobs first. */
export function activeAgents(report: FleetReport): FleetAgent[] {
  return report.agents
    .filter((agent) => jobsOf(agent) + agent.failedAttempts + agent.restarts + slotsOf(agent) > 0 || isTroubled(agent))
    .sort((a, b) => jobsOf(b) - jobsOf(a) || a.name.localeCompare(b.name));
}

export const isTroubled = (agent: FleetAgent): boolean => TROUBLED.has(agent.state);
export const jobsOf = (agent: FleetAgent): number => agent.done + agent.dead;
export const successOf = (agent: FleetAgent): number | null =>
  jobsOf(agent) === 0 ? null : agent.done / jobsOf(agent);
const slotsOf = (agent: FleetAgent): number => agent.slotsKept + agent.slotsMissed + agent.slotsSkipped;
