import { closeSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_LEVELS, type LogLevel } from '../kernel/log.ts';
import { readHostFile } from './place.ts';
import type { LogLine } from './protocol.ts';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** Where the host of an installation last kept its log files. */
export function logFolderOf(folder: string): string {
  return readHostFile(folder)?.logs ?? join(folder, 'logs');
}

/** The log files of a folder, newest first: by the day and the number in their names, as `daruma.2026-11-22.3.log`. */
export function newestFirst(names: string[]): string[] {
  const keyOf = (name: string) => {
    const match = /\.(\d{4}-\d{2}-\d{2})\.(\d+)\.log$/.exec(name);
    return match ? `${match[1]} ${match[2]!.padStart(9, '0')}` : '';
  };
  return names
    .filter((name) => name.endsWith('.log'))
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? 1 : keyOf(a) > keyOf(b) ? -1 : a < b ? 1 : -1));
}

/** A file of the log. */
interface LogFile {
  name: string;
  bytes: number;
  /** Epoch ms. */
  changedAt: number;
}

/** The log files of a folder, newest first; none where there is no such folder. A link is no log file. */
export function logFilesIn(folder: string): LogFile[] {
  return namesIn(folder).flatMap((name) => {
    const stats = lstatSync(join(folder, name), { throwIfNoEntry: false });
    return stats?.isFile() ? [{ name, bytes: stats.size, changedAt: stats.mtimeMs }] : [];
  });
}

function namesIn(folder: string): string[] {
  try {
    return newestFirst(readdirSync(folder));
  } catch {
    return [];
  }
}

/** A line with its place: `fromEnd` line ends lie between it and the end of the file, which had `bytes` then. */
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

/** The lines of {@link linesBackwards} with their places. */
export function* placedLinesBackwards(folder: string): Generator<PlacedLine> {
  for (const name of namesIn(folder)) {
    let fromEnd = 0;
    for (const { text, bytes } of textBackwards(join(folder, name))) {
      const line = parseLogLine(text);
      if (line) yield { line, file: name, fromEnd, bytes };
      fromEnd += 1;
    }
  }
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
function* textBackwards(path: string): Generator<{ text: string; bytes: number }> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // Rotated away between the listing and now.
    return;
  }
  try {
    const bytes = statSync(path).size;
    let end = bytes;
    // The pieces of the line whose beginning has not been read yet, last piece first.
    let pieces: Buffer[] = [];
    while (end > 0) {
      const size = Math.min(CHUNK_BYTES, end);
      const chunk = Buffer.allocUnsafe(size);
      const read = readSync(file, chunk, 0, size, end - size);
      end -= size;
      let until = read;
      for (
        let at = chunk.lastIndexOf(NEWLINE, until - 1);
        at >= 0;
        at = until > 0 ? chunk.lastIndexOf(NEWLINE, until - 1) : -1
      ) {
        yield { text: Buffer.concat([chunk.subarray(at + 1, until), ...pieces.reverse()]).toString('utf8'), bytes };
        pieces = [];
        until = at;
      }
      pieces.push(chunk.subarray(0, until));
    }
    yield { text: Buffer.concat(pieces.reverse()).toString('utf8'), bytes };
  } finally {
    closeSync(file);
  }
}

/** Counts the line ends in the first `bytes` of a file, in pieces: others go on between two of them. 0 for a file that is gone. */
export async function countLineEnds(path: string, bytes: number): Promise<number> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return 0;
  }
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let count = 0;
    for (let from = 0; from < bytes; from += CHUNK_BYTES) {
      const read = readSync(file, chunk, 0, Math.min(CHUNK_BYTES, bytes - from), from);
      const part = chunk.subarray(0, read);
      for (let at = part.indexOf(NEWLINE); at >= 0; at = part.indexOf(NEWLINE, at + 1)) count += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return count;
  } finally {
    closeSync(file);
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
