import type { IncidentView } from '../../control/protocol.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { expectAgent } from '../given.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { incidentLines, incidentTable } from '../text/incident.ts';

/** Incidents, newest first; or an incident in full. With `--open` the exit code is 3 when there is an incident. */
export async function incidentsCommand(stage: Stage, [id]: Words, options: Given): Promise<CommandResult> {
  const args = argumentsOf('incidents', options, { clock: stage.clock, command: 'incidents' });
  if (id !== undefined && /^inc-/.test(id)) {
    const { value, down } = await stage.askAnyway('incident', { id });
    return { json: value, lines: incidentLines(value, stage), code: down ? 4 : 0 };
  }
  const agent = id ?? args.agent;
  const { value, down } = await stage.askAnyway('incidents', { ...args, agent });
  if (value.length === 0 && agent !== undefined) await expectAgent(stage, agent, 'incident or agent');
  const needsYou = args.open && value.some(isOpen);
  return { json: value, lines: incidentTable(value, stage), code: down ? 4 : needsYou ? 3 : 0 };
}

function isOpen({ endedAt }: IncidentView): boolean {
  return endedAt === null;
}

/** Closes an incident by hand, with a note for a later reader. */
export async function ackCommand(stage: Stage, [id, ...words]: Words): Promise<CommandResult> {
  const note = words.filter((word) => word !== undefined).join(' ');
  const incident = await stage.ask('ack', { id: id!, note: note || undefined });
  const what = incident.state === 'closed' ? 'is closed' : `is ${incident.state} already`;
  const noted = incident.note ? `: ${oneLine(incident.note)}` : '';
  return { json: incident, lines: [`${stage.paint('green', '✓')} ${incident.id} ${what}${noted}`] };
}
