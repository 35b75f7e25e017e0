import type { IncidentView } from '../../control/protocol.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { numberOf, sinceTime } from '../given.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { incidentLines, incidentTable } from '../text/incident.ts';

export interface IncidentsOptions {
  agent?: string;
  open?: boolean;
  since?: string;
  limit: string;
  drills?: boolean;
}

/** Incidents, newest first; or an incident in full. With `--open` the exit code is 3 when there is an incident. */
export async function run(
  stage: Stage,
  [id]: (string | undefined)[],
  options: IncidentsOptions,
): Promise<CommandResult> {
  const limit = numberOf(options.limit, BOUNDS.rows, '--limit');
  const since = options.since === undefined ? undefined : sinceTime(stage, options.since, 'incidents');
  if (id !== undefined && /^inc-/.test(id)) {
    const { value, down } = await stage.askAnyway('incident', { id });
    return { json: value, lines: incidentLines(value, stage), ...(down ? { code: 4 } : {}) };
  }
  const agent = id ?? options.agent;
  const { value, down } = await stage.askAnyway('incidents', {
    limit,
    agent,
    open: options.open,
    drills: options.drills,
    since: since === undefined ? undefined : isoOf(since),
  });
  if (value.length === 0 && agent !== undefined) await mustBeKnown(stage, agent);
  const needsYou = options.open && value.some(isOpen);
  return { json: value, lines: incidentTable(value, stage), code: down ? 4 : needsYou ? 3 : 0 };
}

function isOpen({ endedAt }: IncidentView): boolean {
  return endedAt === null;
}

async function mustBeKnown(stage: Stage, agent: string): Promise<void> {
  const { value } = await stage.askAnyway('status', {});
  if (value.agents.some(({ name }) => name === agent)) return;
  throw new Fault({
    code: 'AGENT_UNKNOWN',
    message: `there is no incident or agent ${agent}`,
    next: 'daruma incidents',
  });
}
