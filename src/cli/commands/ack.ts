import type { CommandResult, Stage } from '../ports.ts';
import { oneLine } from '../text/width.ts';

/** Closes an incident by hand, with a note for whoever looks at it later. */
export async function run(stage: Stage, [id, ...words]: (string | undefined)[]): Promise<CommandResult> {
  const note = words.filter((word) => word !== undefined).join(' ');
  const incident = await stage.ask('ack', { id: id!, note: note || undefined });
  const what = incident.state === 'closed' ? 'is closed' : `is ${incident.state} already`;
  const noted = incident.note ? `: ${oneLine(incident.note)}` : '';
  return { json: incident, lines: [`${stage.paint('green', '✓')} ${incident.id} ${what}${noted}`] };
}
