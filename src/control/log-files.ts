import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_LEVELS, type LogLevel } from '../kernel/log.ts';
import { COMPRESSED, compareLogNames, logNameOf, plainLogName } from '../kernel/log-names.ts';
import { type LogText, openLogText } from './log-text.ts';
import { readHostFile } from './place.ts';
import type { JobView, LogLine } from './protocol.ts';

const CHUNK_BYTES = 64 * 1024;
/** Bytes in which the first line of a file is looked for. */
const FIRST_LINE_BYTES = 8 * 1024;
const NEWLINE = 0x0a;

/** Where the host of an installation last kept its log files. */
export function logFolderOf(folder: string): string {
  return readHostFile(folder)?.logs ?? join(folder, 'logs');
}

/** The log files among these names, newest first: by the day and the number in their names, as `daruma.2026-11-22.3.log`. */
export function newestFirst(names: string[]): string[] {
  const isLog = (name: string) => name.endsWith('.log') || logNameOf(name) !== undefined;
  return names.filter(isLog).toSorted((a, b) => compareLogNames(b, a));
}

/** A file of the log. */
interface LogFile {
  name: string;
  bytes: number;
  /** Epoch ms. */
  changedAt: number;
}

/** Times of a file and of its compressed copy differ by less, in ms: file systems round them. */
const SAME_TIME_MS = 2;

/** The log files of a folder, newest first; none where there is no such folder. A link is no log file; a file whose compressed copy is there already counts once. */
export function logFilesIn(folder: string): LogFile[] {
  const files = namesIn(folder).flatMap((name) => {
    const stats = lstatSync(join(folder, name), { throwIfNoEntry: false });
    return stats?.isFile() ? [{ name, bytes: stats.size, changedAt: stats.mtimeMs }] : [];
  });
  const byName = new Map(files.map((file) => [file.name, file]));
  const isCopied = ({ name, changedAt }: LogFile) => {
    const copy = byName.get(name + COMPRESSED);
    return copy !== undefined && Math.abs(copy.changedAt - changedAt) < SAME_TIME_MS;
  };
  return files.filter((file) => !isCopied(file));
}

function namesIn(folder: string): string[] {
  try {
    return newestFirst(readdirSync(folder));
  } catch {
    return [];
  }
}

/** A line with its place: `fromEnd` line ends lie between it and the end of the file, whose text had `bytes` then. */
export interface PlacedLine {
  line: LogLine;
  file: string;
  fromEnd: number;
  bytes: number;
}

/** Every line of the folder's logs, newest first, over all files. Torn lines and what is no log line are left out. */
export function* linesBackwards(folder: string): Generator<LogLine> {
  for (const { line } of placedLinesBackwards(folder)) yield line;
}

/**
 * The lines of {@link linesBackwards} with their places. `before` (epoch ms) leaves out files that were begun then or later: of
 * each only the first line is read.
 */
export function* placedLinesBackwards(folder: string, before = Number.POSITIVE_INFINITY): Generator<PlacedLine> {
  for (const { name } of logFilesIn(folder)) {
    const text = openLogText(join(folder, name));
    // Rotated away between the listing and now.
    if (!text) continue;
    try {
      if (before < Number.POSITIVE_INFINITY && beganAt(text) >= before) continue;
      let fromEnd = 0;
      for (const one of textBackwards(text)) {
        const line = parseLogLine(one);
        if (line) yield { line, file: plainLogName(name), fromEnd, bytes: text.bytes };
        fromEnd += 1;
      }
    } finally {
      text.close();
    }
  }
}

/** The time of the first line, epoch ms; the earliest there is where that is no line of a log. */
function beganAt(text: LogText): number {
  const chunk = text.read(0, FIRST_LINE_BYTES);
  const end = chunk.indexOf(NEWLINE);
  const line = end < 0 ? undefined : parseLogLine(chunk.toString('utf8', 0, end));
  return line ? Date.parse(line.time) : Number.NEGATIVE_INFINITY;
}

/** The lines that are kept with the failed attempts of a job, oldest first: for a job whose lines the log holds no more. */
export function keptLinesOf({ id, agent, failures = [] }: Pick<JobView, 'id' | 'agent' | 'failures'>): LogLine[] {
  return failures.flatMap(({ worker, lines = [] }) =>
    lines.map(({ at, level, message }) => ({
      ...{ time: at, level, msg: message, agent, job: id },
      ...(worker === null ? {} : { worker }),
    })),
  );
}

/** Undefined for what is no line of a log. */
export function parseLogLine(text: string): LogLine | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const line = JSON.parse(text) as Partial<LogLine>;
    const whole = typeof line.time === 'string' && typeof line.level === 'string' && typeof line.msg === 'string';
    return whole && !Number.isNaN(Date.parse(line.time!)) ? (line as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

/** The lines of a file from its end, read in pieces: the newest hundred of 10 MB cost one read. */
function* textBackwards(text: LogText): Generator<string> {
  let end = text.bytes;
  // The pieces of the line whose beginning has not been read yet, last piece first.
  let pieces: Buffer[] = [];
  while (end > 0) {
    const size = Math.min(CHUNK_BYTES, end);
    const chunk = text.read(end - size, size);
    end -= size;
    let until = chunk.length;
    for (
      let at = chunk.lastIndexOf(NEWLINE, until - 1);
      at >= 0;
      at = until > 0 ? chunk.lastIndexOf(NEWLINE, until - 1) : -1
    ) {
      yield Buffer.concat([chunk.subarray(at + 1, until), ...pieces.reverse()]).toString('utf8');
      pieces = [];
      until = at;
    }
    pieces.push(chunk.subarray(0, until));
  }
  yield Buffer.concat(pieces.reverse()).toString('utf8');
}

/** Counts the line ends in the first `bytes` of a file's text, in pieces: others go on between two of them. 0 for a file that is gone. */
export async function countLineEnds(path: string, bytes: number): Promise<number> {
  const text = openLogText(path);
  if (!text) return 0;
  try {
    let count = 0;
    for (let from = 0; from < bytes; from += CHUNK_BYTES) {
      const part = text.read(from, Math.min(CHUNK_BYTES, bytes - from));
      for (let at = part.indexOf(NEWLINE); at >= 0; at = part.indexOf(NEWLINE, at + 1)) count += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return count;
  } finally {
    text.close();
  }
}

/** The lines of a log that are asked for. */
interface LineFilter {
  agent?: string | undefined;
  job?: string | undefined;
  /** The lowest level. */
  level: LogLevel;
  /** A text anywhere in the line, in letters of any case. */
  text?: string | undefined;
  /** Lines that were written before that time, epoch ms. */
  before?: number;
}

/** Tells the lines that a filter lets through. */
export function lineFilter({ agent, job, level, text, before = Number.POSITIVE_INFINITY }: LineFilter) {
  const lowest = LOG_LEVELS.indexOf(level);
  const wanted = text?.toLowerCase();
  return (line: LogLine): boolean =>
    (agent === undefined || line.agent === agent) &&
    (job === undefined || line.job === job) &&
    LOG_LEVELS.indexOf(line.level) >= lowest &&
    Date.parse(line.time) < before &&
    (wanted === undefined || JSON.stringify(line).toLowerCase().includes(wanted));
}
