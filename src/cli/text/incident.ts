import type { IncidentView } from '../../control/protocol.ts';
import { diagnosisLines, doneWords, evidenceLines, resultWords } from '../../control/words/incident.ts';
import { clockTime, dayOf, fullTime, localTimes, shortTime } from '../../kernel/clock.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { signOf } from '../../kernel/state-sign.ts';
import type { Look } from './status.ts';
import { type Row, table } from './table.ts';
import { type Facts, factLines, pad, wrap } from './width.ts';

/** Steps of a timeline that are states of the incident. */
const STATES = new Set(['open', 'escalated', 'healed', 'closed']);

/** A line for each incident: time, agent, signal, remedies, result. */
export function incidentTable(incidents: IncidentView[], look: Look): string[] {
  const { paint, clock } = look;
  if (incidents.length === 0) return [`${paint('green', '✓')} no incidents`];
  const columns = [
    '',
    'ID',
    { title: 'WHEN', drop: 2 },
    { title: 'AGENT', atLeast: 12, drop: 3 },
    { title: 'SEEN', atLeast: 24 },
    { title: 'DONE', atLeast: 12, drop: 1 },
    'RESULT',
  ];
  const rows = incidents.map((incident): Row => {
    const { sign, style } = signOf(incident.state);
    return [
      [sign, style],
      incident.id,
      shortTime(Date.parse(incident.openedAt), clock),
      incident.agent ?? 'host',
      `${incident.verdict}: ${oneLine(incident.seen)}`,
      doneWords(incident),
      [resultWords(incident), style],
    ];
  });
  const lines = table(columns, rows, look);
  const first = incidents.find(({ endedAt }) => endedAt === null) ?? incidents[0]!;
  return [...lines, `  ${paint('cyan', '→')} daruma incidents ${first.id}`];
}

/** An incident in full: its timeline, its evidence, the next steps. */
export function incidentLines(incident: IncidentView, look: Look): string[] {
  const { paint, clock, width } = look;
  const { sign, style } = signOf(incident.state);
  const { repeats } = incident;
  const facts: Facts = [
    ['seen', incident.seen],
    ['opened', fullTime(Date.parse(incident.openedAt), clock)],
    ['version', incident.version],
    ['jobs', incident.jobs.join(' ')],
    ['repeats', repeats === 0 ? null : `came ${repeats} more ${repeats === 1 ? 'time' : 'times'} while it was open`],
    ['note', incident.note],
    ['muted', incident.mutedUntil ? `until ${fullTime(Date.parse(incident.mutedUntil), clock)}` : null],
  ];
  const lines = [
    `${paint(style, sign)} ${paint('bold', incident.id)}  ${incident.agent ?? 'host'}  ${incident.verdict}  ${paint(style, resultWords(incident))}`,
    ...factLines(facts, width),
    '',
    ...timelineLines(incident, look),
  ];
  const found = [...evidenceLines(incident.evidence), ...diagnosisLines(incident.diagnosis)];
  if (found.length > 0)
    lines.push('', ...found.flatMap((line) => wrap(oneLine(line), width - 2).map((one) => `  ${one}`)));
  lines.push('', `  ${paint('cyan', '→')} ${nextSteps(incident).join('   ')}`);
  return lines;
}

function timelineLines({ timeline, openedAt }: IncidentView, { clock, paint, width }: Look): string[] {
  let day = dayOf(Date.parse(openedAt), clock);
  return timeline.flatMap(({ at, what, text }) => {
    const ms = Date.parse(at);
    const begin = dayOf(ms, clock) === day ? [] : [paint('dim', `  ──────── ${dayOf(ms, clock)} ────────`)];
    day = dayOf(ms, clock);
    const [first, ...rest] = wrap(oneLine(localTimes(text, clock)), width - 23);
    const style = signOf(what).style;
    const word = STATES.has(what) ? paint(style, pad(what, 10)) : pad(what, 10);
    return [...begin, `  ${clockTime(ms, clock)}  ${word} ${first}`, ...rest.map((line) => `${' '.repeat(23)}${line}`)];
  });
}

function nextSteps({ id, agent, verdict, endedAt }: IncidentView): string[] {
  if (isDrillAgent(agent)) return ['daruma incidents --drills', 'daruma drill'];
  if (endedAt !== null) return agent === null ? ['daruma status'] : [`daruma status ${agent}`];
  const own = agent === null ? [] : [`daruma logs ${agent}`];
  const ways: Record<string, string[]> = {
    'crash-looping': [`daruma resume ${agent}`],
    looping: [`daruma pause ${agent}`, `daruma cancel --agent ${agent} --state queued`],
    'falling-behind': [`daruma cancel --agent ${agent} --state queued`],
  };
  const waysOut = ways[verdict] ?? [];
  return [...own, ...waysOut, `daruma ack ${id} "a note"`];
}
