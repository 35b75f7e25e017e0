/**
 * Agents whose names begin so are canaries of `daruma drill` and `daruma demo`. Jobs and incidents of canaries are real and
 * stay on record, but lists, counts and reports leave them out unless asked for.
 */
export const DRILL_PREFIX = 'drill-';

/** The agent that a drill is done on: `drill-leak` for the drill `leak`. */
export function drillAgent(drill: string): string {
  return `${DRILL_PREFIX}${drill}`;
}

/** Whether an agent is the canary of a drill; null is the host. */
export function isDrillAgent(agent: string | null): boolean {
  return agent?.startsWith(DRILL_PREFIX) ?? false;
}
