import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { IncidentView } from '../protocol.ts';

/** `retry ×2, own-cell` */
export function doneWords({ remedies }: { remedies: readonly { kind: string }[] }): string {
  const counts = Map.groupBy(remedies, ({ kind }) => kind);
  return [...counts].map(([kind, list]) => (list.length > 1 ? `${kind} ×${list.length}` : kind)).join(', ') || '–';
}

/** `healed 4.1s`, `OPEN`, `ESCALATED`, `closed`. */
export function resultWords({ state, openedAt, healedAt }: IncidentView): string {
  if (healedAt !== null) return `healed ${formatDuration(Math.max(0, Date.parse(healedAt) - Date.parse(openedAt)))}`;
  return state === 'closed' ? state : state.toUpperCase();
}

/** The evidence, in sentences; parts that are missing are left out. */
export function evidenceLines(evidence: IncidentView['evidence']): string[] {
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

/** The diagnosis of a model, in sentences; empty without one. */
export function diagnosisLines(diagnosis: IncidentView['diagnosis']): string[] {
  if (!diagnosis) return [];
  const { incident, model, cause, advice, evidence, confidence, outcome } = diagnosis;
  return [
    `diagnosis by a model (${model ?? 'unnamed'}, asked for ${incident}, sure to ${Math.round(confidence * 100)} %): ${cause}`,
    `advice: ${advice}`,
    ...(outcome === null ? [] : [`remedy: ${outcome}`]),
    ...evidence.map(({ id, what, text }) => `  rests on ${id} ${what}${text === null ? '' : `: ${text}`}`),
  ];
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
