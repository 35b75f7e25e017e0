import type { IncidentView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { incidentLines, incidentTable } from '../text/incident.ts';
import { oneLine } from '../text/width.ts';

/** Incidents, newest first; or an incident in full. With `--open` the exit code is 3 when there is an incident. */
export async function incidentsCommand(
  stage: Stage,
  [id]: (string | undefined)[],
  options: Given,
): Promise<CommandResult> {
  const args = argumentsOf('incidents', options, { clock: stage.clock, command: 'incidents' });
  if (id !== undefined && /^inc-/.test(id)) {
    const { value, down } = await stage.askAnyway('incident', { id });
    return { json: value, lines: incidentLines(value, stage), ...(down ? { code: 4 } : {}) };
  }
  const agent = id ?? args.agent;
  const { value, down } = await stage.askAnyway('incidents', { ...args, agent });
  if (value.length === 0 && agent !== undefined) await mustBeKnown(stage, agent);
  const needsYou = args.open && value.some(isOpen);
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

/** Closes an incident by hand, with a note for whoever looks at it later. */
export async function ackCommand(stage: Stage, [id, ...words]: (string | undefined)[]): Promise<CommandResult> {
  const note = words.filter((word) => word !== undefined).join(' ');
  const incident = await stage.ask('ack', { id: id!, note: note || undefined });
  const what = incident.state === 'closed' ? 'is closed' : `is ${incident.state} already`;
  const noted = incident.note ? `: ${oneLine(incident.note)}` : '';
  return { json: incident, lines: [`${stage.paint('green', '✓')} ${incident.id} ${what}${noted}`] };
}
