import type { IncidentView } from '../../control/protocol.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import { clockTime, dayOf, fullTime, localTimes, shortTime } from './clock.ts';
import type { Style } from './paint.ts';
import type { Look } from './status.ts';
import { type Row, table } from './table.ts';
import { type Facts, factLines, pad, wrap } from './width.ts';

const SIGNS: Record<string, { sign: string; style: Style }> = {
  open: { sign: '⟳', style: 'yellow' },
  escalated: { sign: '✗', style: 'red' },
  healed: { sign: '✓', style: 'green' },
  closed: { sign: '–', style: 'dim' },
};
const signOf = (state: string) => SIGNS[state] ?? { sign: '?', style: 'yellow' as const };

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

/** `retry ×2, own-cell` */
function doneWords({ remedies }: IncidentView): string {
  const counts = Map.groupBy(remedies, ({ kind }) => kind);
  return [...counts].map(([kind, list]) => (list.length > 1 ? `${kind} ×${list.length}` : kind)).join(', ') || '–';
}

/** `healed 4.1s`, `OPEN`, `ESCALATED`, `closed`. */
function resultWords({ state, openedAt, healedAt }: IncidentView): string {
  if (healedAt !== null) return `healed ${formatDuration(Math.max(0, Date.parse(healedAt) - Date.parse(openedAt)))}`;
  return state === 'closed' ? state : state.toUpperCase();
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
  ];
  const lines = [
    `${paint(style, sign)} ${paint('bold', incident.id)}  ${incident.agent ?? 'host'}  ${incident.verdict}  ${paint(style, resultWords(incident))}`,
    ...factLines(facts, width),
    '',
    ...timelineLines(incident, look),
  ];
  const found = evidenceLines(incident.evidence);
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
    const word = SIGNS[what] ? paint(style, pad(what, 10)) : pad(what, 10);
    return [...begin, `  ${clockTime(ms, clock)}  ${word} ${first}`, ...rest.map((line) => `${' '.repeat(23)}${line}`)];
  });
}

/** The evidence, in sentences; parts that are missing are left out. */
function evidenceLines(evidence: IncidentView['evidence']): string[] {
  if (!evidence) return [];
  const { thread, hot, heap, memory, lastBeat, children, lines, fault } = evidence as {
    thread?: string;
    hot?: { name: string; file: string | null; line: number | null; share: number }[];
    heap?: { name: string; file: string | null; line: number | null; bytes: number }[];
    memory?: { heapBytes: number; externalBytes: number; childrenBytes: number; limitBytes: number };
    lastBeat?: string;
    children?: { pid: number; command: string; rssBytes: number }[];
    lines?: { level: string; message: string }[];
    fault?: { code: string; data?: object };
  };
  const place = (one: { name: string; file: string | null; line: number | null }) =>
    `${one.name}${one.file ? ` ${one.file}${one.line === null ? '' : `:${one.line}`}` : ''}`;
  const found: string[] = fault?.code === 'ORIGIN_DOWN' ? outageLines(fault.data ?? {}) : [];
  if (thread) found.push(`the thread ${thread}`);
  for (const one of hot?.slice(0, 5) ?? []) found.push(`  ${Math.round(one.share * 100)} % in ${place(one)}`);
  if (memory)
    found.push(
      `memory: heap ${formatSize(memory.heapBytes)}, external ${formatSize(memory.externalBytes)}, children ${formatSize(memory.childrenBytes)} of ${formatSize(memory.limitBytes)}`,
    );
  for (const one of heap?.slice(0, 5) ?? []) found.push(`  ${formatSize(one.bytes)} held by ${place(one)}`);
  if (lastBeat) found.push(`last beat: ${lastBeat}`);
  for (const { pid, command, rssBytes } of children ?? [])
    found.push(`child ${pid}: ${command} (${formatSize(rssBytes)})`);
  for (const { level, message } of lines?.slice(-5) ?? []) found.push(`log: ${level} ${message}`);
  return found;
}

/** Agents and calls that an outage strikes, and the newest failures. */
function outageLines(data: {
  agents?: string[];
  refused?: number;
  diverted?: number;
  failures?: { at: string; what: string }[];
}): string[] {
  const { agents = [], refused = 0, diverted = 0, failures = [] } = data;
  const elsewhere = diverted > 0 ? `, ${diverted} sent elsewhere` : '';
  return [
    `strikes ${agents.join(', ') || 'nobody yet'}: ${refused} calls refused${elsewhere}`,
    ...failures.map(({ at, what }) => `  ${at} ${what}`),
  ];
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
  const lift = ways[verdict] ?? [];
  return [...own, ...lift, `daruma ack ${id} "a note"`];
}
