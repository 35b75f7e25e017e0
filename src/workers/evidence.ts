import { createScrubber } from '../kernel/scrub.ts';
import type { Evidence, OwnedProcess, PluginLine } from './ports.ts';
import type { CellFindings, Reading } from './wire.ts';

/** All of it as JSON, at most. */
const MOST_BYTES = 16 * 1024;
export const LINES_KEPT = 20;
const LONGEST_LINE = 400;
const CHILDREN_SHOWN = 20;

interface EvidenceParts {
  /** Findings of the cell; null when it could not tell any more. */
  found: CellFindings | null;
  /** The last look before that. */
  reading: Reading | undefined;
  limitBytes: number;
  childrenBytes: number;
  children: readonly OwnedProcess[];
  /** The newest lines, oldest first. */
  lines: readonly PluginLine[];
  /** Values that must not be in it. */
  secrets: readonly string[];
  /** Epoch ms. */
  now: number;
}

/** The evidence of a worker's end, from the cell and from the host; at most 16 KB of JSON, and no secret in it. */
export function workerEvidence(parts: EvidenceParts): Evidence {
  const { reading, children, lines } = parts;
  const evidence: Evidence = { ...(parts.found ?? fromReading(parts)) };
  const beat = evidence.lastBeat ?? reading?.lastBeat;
  if (beat) evidence.lastBeat = beat;
  if (children.length > 0) {
    evidence.children = children
      .toSorted((a, b) => b.rssBytes - a.rssBytes)
      .slice(0, CHILDREN_SHOWN)
      .map(({ pid, command, rssBytes }) => ({ pid, command, rssBytes }));
  }
  if (lines.length > 0) {
    evidence.lines = lines.slice(-LINES_KEPT).map(({ at, level, message }) => ({ at, level, message: cut(message) }));
  }
  return fitted(createScrubber(parts.secrets).answer(evidence));
}

/** A cell that died tells nothing: what it said a moment before is what there is. */
function fromReading({ reading, limitBytes, childrenBytes, now }: EvidenceParts): CellFindings {
  const found: CellFindings = { at: now, tookMs: 0 };
  if (!reading || reading.heapBytes === null || reading.externalBytes === null) return found;
  const { heapBytes, externalBytes } = reading;
  return { ...found, memory: { heapBytes, externalBytes, childrenBytes, limitBytes, perMinuteBytes: null } };
}

/** Lines go first, oldest first: they are in the log as well. */
function fitted(evidence: Evidence): Evidence {
  const left = { ...evidence };
  while (Buffer.byteLength(JSON.stringify(left)) > MOST_BYTES && left.lines && left.lines.length > 0) {
    left.lines = left.lines.slice(1);
  }
  return left;
}

function cut(text: string): string {
  return text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text;
}
