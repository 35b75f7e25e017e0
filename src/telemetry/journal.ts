import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { isoOf } from '../kernel/instant.ts';
import type { Log, LogLevel } from '../kernel/log.ts';
import { MB } from '../kernel/measures.ts';
import { logFiles, trimLogs } from './log-files.ts';
import { openRollingFile, type RollingFile } from './rolling-file.ts';
import { createScrubber, type Scrubber } from './scrub.ts';

/**
 * The installation's log: lines of JSON in `<folder>/daruma.<day>.<n>.log`, written in this process before the call
 * returns, so that a line that was logged survives SIGKILL. Rotated by size and by day; all files together, those of
 * earlier processes included, stay within one byte budget. Never throws because of a full disk: lines that cannot be
 * written are kept up to 1 MB, then dropped and counted, and a line says how many as soon as lines can be written again.
 */
export interface Journal {
  /** A log for a room. */
  room(name: string): Log;
  /** Writes lines of plugins. `data` is JSON text of an object. */
  lines(lines: JournalLine[]): void;
  /** Calls back with each line as it is written, scrubbed and parsed; returns what ends it. */
  follow(call: (line: Record<string, unknown>) => void): () => void;
  level(level: LogLevel): void;
  /** Sets how many bytes all log files together may take. */
  budget(bytes: number): void;
  /** Deletes the oldest files down to half of what all of them take; returns the bytes that came free. */
  shrink(): number;
  /** The values that no line may show, from now on. */
  hide(values: Iterable<string>): void;
  /** Hides the same values in whatever else is recorded or shown. */
  scrub: Omit<Scrubber, 'hide'>;
  /** Lines that a full disk or a closed file has cost so far. */
  dropped(): number;
  /** The file that is written to now. */
  file: Pick<RollingFile, 'held' | 'reopen'>;
  close(): void;
}

interface JournalLine {
  at: number;
  level: LogLevel;
  agent: string;
  job: string;
  worker: string;
  message: string;
  data: string | null;
}

interface JournalOptions {
  folder: string;
  level: LogLevel;
  /** A file is closed when it has grown to about this size. */
  maxFileBytes: number;
  budgetBytes: number;
}

const STREAM = 'daruma';
const KEPT_WHEN_FULL_BYTES = MB;

/** Opens the log; rejects with the system's error when the folder cannot be written. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  trimLogs(options.folder, STREAM, options.budgetBytes);
  for (const { name } of logFiles(options.folder, STREAM)) hideFromOthers(join(options.folder, name));
  const maxFileBytes = Math.min(options.maxFileBytes, Math.max(options.budgetBytes / 4, 64 * 1024));
  const { folder } = options;
  const file = await openRollingFile({ folder, stream: STREAM, maxFileBytes, keptBytes: KEPT_WHEN_FULL_BYTES });
  const { stream } = file;
  const followers = new Set<(line: Record<string, unknown>) => void>();
  const scrub = createScrubber();
  let dropped = 0;
  let reportedDropped = 0;
  let closed = false;
  let sinceTrim = 0;
  let { budgetBytes } = options;
  stream.on('error', () => {});
  stream.on('drop', () => {
    dropped++;
    // A line that finds no room in memory is no attempt to write, and there might never be another one.
    stream.write('');
  });
  stream.on('write', () => {
    // Lines in memory are still being written at this moment.
    if (dropped > reportedDropped) setImmediate(reportDropped);
  });

  /** Every line passes here last, as the text that goes to the file. */
  function onLine(line: string): string {
    sinceTrim += line.length;
    if (sinceTrim > maxFileBytes / 4) {
      sinceTrim = 0;
      trim();
    }
    if (followers.size > 0) {
      const written = JSON.parse(line) as Record<string, unknown>;
      for (const call of followers) call(written);
    }
    return line;
  }

  const logger: Logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: onLine },
    },
    stream,
  );
  /** Plugin lines have passed their agent's own level already. */
  const plugins = logger.child({}, { level: 'debug' });

  /** A folder that cannot be read is looked after by whoever looks at what is open. */
  function trim() {
    try {
      trimLogs(folder, STREAM, budgetBytes - maxFileBytes);
    } catch {}
  }

  function reportDropped() {
    const lost = dropped - reportedDropped;
    if (lost === 0 || closed) return;
    reportedDropped = dropped;
    logger.warn(
      { room: 'log', lost },
      `${lost} log lines are lost: the disk was full, or the log could not be written`,
    );
    if (dropped === reportedDropped) return;
    // The line that reports lost lines was dropped as well, and does not count as one of them.
    dropped--;
    reportedDropped -= lost;
  }

  return {
    room(name) {
      const child = logger.child({ room: name });
      const at = (level: LogLevel) => (message: string, data?: Record<string, unknown>) =>
        data ? child[level](scrub.value(data), scrub.text(message)) : child[level](scrub.text(message));
      return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    },
    lines(lines) {
      for (const { level, data, message, at, agent, job, worker } of lines) {
        const facts = { at: isoOf(at), agent, job, worker };
        const line = data ? { ...facts, data: scrub.value(parsed(data)) } : facts;
        plugins[level](line, scrub.text(message));
      }
    },
    follow(call) {
      followers.add(call);
      return () => followers.delete(call);
    },
    level(level) {
      logger.level = level;
    },
    budget(bytes) {
      budgetBytes = bytes;
    },
    shrink() {
      const bytes = logFiles(options.folder, STREAM).reduce((sum, file) => sum + file.bytes, 0);
      return trimLogs(options.folder, STREAM, bytes / 2).reduce((sum, file) => sum + file.bytes, 0);
    },
    hide: scrub.hide,
    scrub,
    dropped: () => dropped,
    file,
    close() {
      followers.clear();
      // Lines that a full disk has kept in memory are written once more, without a flush: the host would stand still for that.
      stream.write('');
      reportDropped();
      closed = true;
      stream.end();
    },
  };
}

/** A text that is no JSON is kept as it is: no line is lost for what stands in it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A file of a host that left it to the umask. */
function hideFromOthers(file: string): void {
  try {
    chmodSync(file, 0o600);
  } catch {
    // Another user's: that user's mode stays.
  }
}
