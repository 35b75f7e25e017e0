import type { IncidentView } from '../../control/protocol.ts';
import { postMortemOf, seenBefore } from '../../control/words/post-mortem.ts';
import { fullTime } from '../../kernel/clock.ts';
import { usage } from '../../kernel/fault.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { expectAgent } from '../given.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { incidentLines, incidentTable } from '../text/incident.ts';

/** Incidents that are looked through for earlier ones of the same cause. */
const MOST_BEFORE = 200;

/** Incidents, newest first; or an incident in full. With `--open` the exit code is 3 when there is an incident. */
export async function incidentsCommand(
  stage: Stage,
  [id]: Words,
  options: Given & { markdown?: boolean },
): Promise<CommandResult> {
  const args = argumentsOf('incidents', options, { clock: stage.clock, command: 'incidents' });
  if (id !== undefined && /^inc-/.test(id)) {
    const { value, down } = await stage.askAnyway('incident', { id });
    if (options.markdown) return { json: value, lines: await postMortem(stage, value), code: down ? 4 : 0 };
    return { json: value, lines: incidentLines(value, stage), code: down ? 4 : 0 };
  }
  if (options.markdown) throw usage('--markdown wants an incident', 'daruma incidents inc-42 --markdown');
  const agent = id ?? args.agent;
  const { value, down } = await stage.askAnyway('incidents', { ...args, agent });
  if (value.length === 0 && agent !== undefined) await expectAgent(stage, agent, 'incident or agent');
  const needsYou = args.open && value.some(isOpen);
  return { json: value, lines: incidentTable(value, stage), code: down ? 4 : needsYou ? 3 : 0 };
}

/** An incident that has not ended and whose cause is not muted: it needs somebody. */
function isOpen({ endedAt, mutedUntil }: IncidentView): boolean {
  return endedAt === null && !mutedUntil;
}

async function postMortem(stage: Stage, incident: IncidentView): Promise<string[]> {
  const { agent } = incident;
  const others =
    agent === null ? [] : (await stage.askAnyway('incidents', { agent, limit: MOST_BEFORE, drills: true })).value;
  return postMortemOf(incident, seenBefore(incident, others), stage.clock).trimEnd().split('\n');
}

/** Mutes the cause of an incident for a time, or ends its mute. */
export async function muteCommand(stage: Stage, [id]: Words, options: Given): Promise<CommandResult> {
  const { forMs } = argumentsOf('mute', options, { clock: stage.clock, command: 'mute' });
  const incident = await stage.ask('mute', { id: id!, forMs });
  const until = fullTime(Date.parse(incident.mutedUntil!), stage.clock);
  const line = `the cause of ${incident.id} needs nobody until ${until}; healing goes on        daruma unmute ${incident.id}`;
  return { json: incident, lines: [`${stage.paint('yellow', '‖')} ${line}`] };
}

/** Ends the mute of the cause of an incident. */
export async function unmuteCommand(stage: Stage, [id]: Words): Promise<CommandResult> {
  const incident = await stage.ask('unmute', { id: id! });
  return { json: incident, lines: [`${stage.paint('green', '✓')} the cause of ${incident.id} is muted no more`] };
}

/** Closes an incident by hand, with a note for a later reader. */
export async function ackCommand(stage: Stage, [id, ...words]: Words): Promise<CommandResult> {
  const note = words.filter((word) => word !== undefined).join(' ');
  const incident = await stage.ask('ack', { id: id!, note: note || undefined });
  const what = incident.state === 'closed' ? 'is closed' : `is ${incident.state} already`;
  const noted = incident.note ? `: ${oneLine(incident.note)}` : '';
  return { json: incident, lines: [`${stage.paint('green', '✓')} ${incident.id} ${what}${noted}`] };
}
