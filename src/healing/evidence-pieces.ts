import type { Agent } from '../jobs/agent.ts';
import { locationOf } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { formatDuration, formatSize } from '../kernel/units.ts';
import type { EvidencePiece } from '../plugin/fleet.ts';
import type { GivenPiece } from './diagnosis.ts';
import type { Evidence, Incident, RemedyRecord } from './ports.ts';
import { verdictWords } from './words.ts';

/** Everything that is known of an incident. Texts are without secrets. */
interface EvidenceFacts {
  incident: Incident;
  /** The statistics of remedies for its cause. */
  records: readonly RemedyRecord[];
  /** Earlier incidents of its cause, newest first. */
  before: readonly Incident[];
  agent: Pick<Agent, 'about' | 'limits' | 'schedule' | 'needs'> | undefined;
  /** Newest lines of its job, or of its agent; oldest first. */
  lines: readonly { at: string; level: string; message: string }[];
  /** Files that differ from the version before, as lines with signs. */
  diffs: readonly { path: string; text: string }[];
  sources: readonly { path: string; text: string }[];
}

const LONGEST = { fault: 2_500, diff: 6_000, line: 300, source: 16_000, sentence: 500 };
const MOST = { lines: 25, remedies: 8, before: 5, frames: 6 };
/** A piece that would be cut to less is left out. */
const LEAST_LEFT = 400;

type Draft = Omit<EvidencePiece, 'id'>;

/**
 * The evidence of an incident, most telling first, in at most so many characters: what does not fit is cut at its end, then left out,
 * source code first. Ids count from `E1`.
 */
export function evidencePieces(facts: EvidenceFacts, mostCharacters: number): EvidencePiece[] {
  const { incident, lines } = facts;
  const drafts: Draft[] = [
    { what: 'seen', text: seenText(incident) },
    ...faultPiece(incident.evidence),
    ...facts.diffs.map(({ path, text }) => ({ what: `diff ${path}`, text: cut(text, LONGEST.diff) })),
    ...measuredPieces(incident.evidence),
    ...lines
      .slice(-MOST.lines)
      .map(({ at, level, message }) => ({ what: 'log', text: cut(`${at} ${level} ${message}`, LONGEST.line) })),
    ...incident.remedies.slice(-MOST.remedies).map(({ kind, held, what }) => ({
      what: 'remedy',
      text: cut(`${kind}, ${heldWords(held)}: ${what}`, LONGEST.sentence),
    })),
    ...ledgerPiece(facts.records),
    ...facts.before.slice(0, MOST.before).map((one) => ({
      what: 'earlier incident',
      text: cut(`${one.id} at ${isoOf(one.openedAt)}, ${one.state}: ${one.seen}`, LONGEST.sentence),
    })),
    ...agentPiece(facts.agent),
    ...facts.sources.map(({ path, text }) => ({ what: `source ${path}`, text: cut(numbered(text), LONGEST.source) })),
  ];
  return fitted(drafts, mostCharacters).map(({ what, text }, index) => ({
    ...{ id: `E${index + 1}`, what, text: withoutLikelyKeys(text) },
  }));
}

/** Pieces as they are kept with a diagnosis: source code is an operator's to see, and a beginning of the others is enough. */
export function givenPieces(pieces: readonly EvidencePiece[]): GivenPiece[] {
  return pieces.map(({ id, what, text }) => ({
    id,
    what,
    text: /^(?:source|diff) /.test(what) ? null : cut(text, LONGEST.line),
  }));
}

function fitted(drafts: readonly Draft[], most: number): Draft[] {
  const kept: Draft[] = [];
  let left = most;
  for (const { what, text } of drafts) {
    if (text === '' || (text.length > left && left < LEAST_LEFT)) continue;
    kept.push({ what, text: cut(text, left) });
    left -= Math.min(text.length, left) + what.length;
  }
  return kept;
}

/** Keys that stand in sources and lines though no agent declares them, by the forms that providers give them. */
const LIKELY_KEYS =
  /\b(?:(?:sk|gsk|csk|rk|pk|xai)[-_][\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|dk-[0-9a-f]{32})/g;
/** A name that says secret, and the text that it is given. */
const NAMED_KEYS =
  /((?:password|passwd|secret|token|api[-_]?key|authorization)["']?\s*[:=]\s*["'`](?:Bearer )?)[^"'`\s]{8,}/gi;

/** A text without what looks like a key of somebody; secrets that agents declare are known by their values, and out of it before. */
function withoutLikelyKeys(text: string): string {
  return text.replace(LIKELY_KEYS, '[secret]').replace(NAMED_KEYS, '$1[secret]');
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, Math.max(0, longest - 1))}…`;
}

function seenText({ agent, verdict, seen, openedAt, repeats, version, timeline }: Incident): string {
  const escalated = timeline.findLast(({ what }) => what === 'escalated');
  const again = repeats > 0 ? `; came ${repeats} more times while open` : '';
  const why = escalated ? `; escalated because ${escalated.text}` : '';
  return `${agent ?? 'the host'} is ${verdictWords(verdict)} (${verdict}): ${cut(seen, LONGEST.sentence)}; since ${isoOf(openedAt)}${again}; version ${version ?? 'unknown'}${why}`;
}

function faultPiece(evidence: Evidence | null): Draft[] {
  const fault = evidence?.fault;
  if (!fault) return [];
  const place = locationOf(fault);
  const data = fault.data === undefined ? '' : `\ndata: ${JSON.stringify(fault.data)}`;
  const stack = fault.stack === undefined ? '' : `\n${fault.stack}`;
  return [
    {
      what: 'fault',
      text: cut(`${fault.code}: ${fault.message}${place ? ` at ${place}` : ''}${stack}${data}`, LONGEST.fault),
    },
  ];
}

/** The measurements that were taken before the worker went. */
function measuredPieces(evidence: Evidence | null): Draft[] {
  if (!evidence) return [];
  const { thread, hot = [], memory, heap = [], lastBeat, children = [] } = evidence;
  const place = ({ name, file, line }: { name: string; file: string | null; line: number | null }) =>
    `${name}${file === null ? '' : ` ${file}${line === null ? '' : `:${line}`}`}`;
  const pieces: Draft[] = [];
  if (thread) pieces.push({ what: 'thread', text: `the thread ${thread}` });
  if (hot.length > 0)
    pieces.push({
      what: 'cpu profile',
      text: hot
        .slice(0, MOST.frames)
        .map((one) => `${Math.round(one.share * 100)} % in ${place(one)}`)
        .join('; '),
    });
  if (memory)
    pieces.push({
      what: 'memory',
      text: `heap ${formatSize(memory.heapBytes)}, external ${formatSize(memory.externalBytes)}, children ${formatSize(memory.childrenBytes)}, limit ${formatSize(memory.limitBytes)}`,
    });
  if (heap.length > 0)
    pieces.push({
      what: 'heap profile',
      text: heap
        .slice(0, MOST.frames)
        .map((one) => `${formatSize(one.bytes)} held by ${place(one)}`)
        .join('; '),
    });
  if (lastBeat) pieces.push({ what: 'last beat', text: cut(lastBeat, LONGEST.line) });
  for (const { command, rssBytes } of children.slice(0, MOST.frames))
    pieces.push({ what: 'child process', text: `${cut(command, LONGEST.line)} holds ${formatSize(rssBytes)}` });
  return pieces;
}

function ledgerPiece(records: readonly RemedyRecord[]): Draft[] {
  if (records.length === 0) return [];
  const text = records.map(({ kind, tried, held }) => `${kind} held ${held} of ${tried} times`).join('; ');
  return [{ what: 'ledger of remedies', text: `for this cause: ${text}` }];
}

function agentPiece(agent: EvidenceFacts['agent']): Draft[] {
  if (!agent) return [];
  const { about, schedule, needs } = agent;
  const { memoryBytes, timeoutMs, silenceMs, attempts } = agent.limits;
  const when = schedule ? `, schedule ${schedule.expression}` : '';
  const net = needs.net.length > 0 ? `, may call ${needs.net.join(' ')}` : '';
  const text = `${about}; limits: memory ${formatSize(memoryBytes)}, timeout ${formatDuration(timeoutMs)}, silence ${formatDuration(silenceMs)}, ${attempts} attempts${when}${net}`;
  return [{ what: 'agent', text: cut(text, LONGEST.sentence) }];
}

function numbered(text: string): string {
  return text
    .split('\n')
    .map((line, index) => `${index + 1} ${line}`)
    .join('\n');
}

function heldWords(held: boolean | null): string {
  if (held === null) return 'not known yet whether it held';
  return held ? 'held' : 'did not hold';
}
