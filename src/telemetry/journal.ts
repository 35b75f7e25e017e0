import { chmodSync, closeSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Logger, pino } from 'pino';
import roll from 'pino-roll';
import { Fault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Log, LogLevel, PluginLine } from '../kernel/log.ts';
import { MB } from '../kernel/measures.ts';
import { refusedFolderName } from '../kernel/paths.ts';
import { createScrubber, type Scrubber } from '../kernel/scrub.ts';
import { createLogBudget } from './log-budget.ts';
import { logFiles, trimLogs } from './log-files.ts';

/**
 * The installation's log: lines of JSON in `<folder>/daruma.<day>.<n>.log`, written in this process before the call
 * returns, so that a line that was logged survives SIGKILL. Rotated by size and by day; files that are closed are
 * compressed (`.log.zst`), by other threads. All files together, those of earlier processes and a reserve for a full disk
 * included, stay within one byte budget. A full disk makes no call throw: the reserve is given back, then lines that cannot be
 * written are kept up to 1 MB, then dropped and counted, and a line says how many as soon as lines can be written again.
 * No line has a key of a worker at the model gateway.
 */
export interface Journal {
  /** A log for a room. */
  child(room: string): Log;
  /** Writes lines of plugins. `data` is JSON text of an object. */
  lines(lines: PluginLine[]): void;
  /** Calls back with each line as it is written, scrubbed and parsed; returns what ends it. */
  follow(call: (line: Record<string, unknown>) => void): () => void;
  level(level: LogLevel): void;
  /** Sets how many bytes all log files together may take. */
  budget(bytes: number): void;
  /** Gives the reserve back, then deletes the oldest files down to half of what all of them take; returns the bytes that came free. */
  shrink(): number;
  /** The values that no line may show, from now on. */
  hide(values: Iterable<string>): void;
  /** Hides the same values in whatever else is recorded or shown. */
  scrub: Omit<Scrubber, 'hide'>;
  /** The bytes of the lines that were written since the last call, by agent; null: of the host. */
  takeWritten(): ReadonlyMap<string | null, number>;
  /** Lines that a full disk or a closed file has cost so far. */
  dropped(): number;
  /** The file that is written to now. */
  file: Pick<RollingFile, 'held' | 'reopen'>;
  close(): void;
}

interface JournalOptions {
  folder: string;
  level: LogLevel;
  /** A file is closed when it has grown to about this size. */
  maxFileBytes: number;
  budgetBytes: number;
}

const STREAM = 'daruma';
/** The key of a worker at the model gateway: nobody has to declare it, and the host makes a new one for each worker. */
const WORKER_KEY = /\bdk-[0-9a-f]{32}(?:\.[\w:-]{1,100}\.\d{1,9})?/g;
const KEPT_WHEN_FULL_BYTES = MB;

/** Opens the log; rejects with the system's error when the folder cannot be written. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { folder, budgetBytes } = options;
  trimLogs(folder, STREAM, budgetBytes);
  for (const { name } of logFiles(folder, STREAM)) hideFromOthers(join(folder, name));
  const maxFileBytes = Math.min(options.maxFileBytes, Math.max(budgetBytes / 4, 64 * 1024));
  const file = await openRollingFile({ folder, stream: STREAM, maxFileBytes, keptBytes: KEPT_WHEN_FULL_BYTES });
  return createJournal(file, { ...options, maxFileBytes });
}

function createJournal(file: RollingFile, options: JournalOptions): Journal {
  const { stream } = file;
  const followers = new Set<(line: Record<string, unknown>) => void>();
  const scrub = createScrubber();
  const files = createLogBudget({ ...options, stream: STREAM, open: () => stream.file });
  stream.on('ready', files.rolled);
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'ENOSPC') files.full();
  });

  let written = new Map<string | null, number>();
  /** The agent whose line is being written. */
  let writer: string | null = null;

  /** The last step of each line, which is here the text that goes to the file. */
  function onLine(given: string): string {
    const line = given.includes('dk-') ? given.replace(WORKER_KEY, '[secret]') : given;
    files.wrote(line.length);
    written.set(writer, (written.get(writer) ?? 0) + Buffer.byteLength(line));
    if (followers.size > 0) {
      const parts = JSON.parse(line) as Record<string, unknown>;
      for (const call of followers) call(parts);
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
  const losses = countLosses(stream, (lost) =>
    logger.warn(
      { room: 'log', lost },
      `${lost} log lines are lost: the disk was full, or the log could not be written`,
    ),
  );

  return {
    child(room) {
      const child = logger.child({ room });
      const at = (level: LogLevel) => (message: string, data?: Record<string, unknown>) =>
        data ? child[level](scrub.value(data), scrub.text(message)) : child[level](scrub.text(message));
      return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    },
    lines(lines) {
      for (const { level, data, message, at, agent, job, worker } of lines) {
        const facts = { at: isoOf(at), agent, job, worker };
        const line = data ? { ...facts, data: scrub.value(parsed(data)) } : facts;
        writer = agent;
        plugins[level](line, scrub.text(message));
      }
      writer = null;
    },
    follow(call) {
      followers.add(call);
      return () => followers.delete(call);
    },
    level(level) {
      logger.level = level;
    },
    budget: files.budget,
    shrink: files.shrink,
    hide: scrub.hide,
    scrub,
    takeWritten() {
      const taken = written;
      written = new Map();
      return taken;
    },
    dropped: losses.dropped,
    file,
    close() {
      followers.clear();
      files.close();
      // Lines that a full disk has kept in memory are written once more, without a flush: the host would stand still for that.
      stream.write('');
      losses.end();
      stream.end();
    },
  };
}

/** Counts lines that a stream drops, and reports them by a line as soon as lines can be written again. */
function countLosses(stream: RollingFile['stream'], report: (lost: number) => void) {
  let dropped = 0;
  let reported = 0;
  let isOver = false;
  stream.on('error', () => {});
  stream.on('drop', () => {
    dropped++;
    // A line that finds no room in memory is no attempt to write, and there might never be another one.
    stream.write('');
  });
  stream.on('write', () => {
    // Lines in memory are still being written at this moment.
    if (dropped > reported) setImmediate(reportNew);
  });

  function reportNew() {
    const lost = dropped - reported;
    if (lost === 0 || isOver) return;
    reported = dropped;
    report(lost);
    if (dropped === reported) return;
    // The line that reports lost lines was dropped as well, and does not count as one of them.
    dropped--;
    reported -= lost;
  }

  return {
    dropped: () => dropped,
    end() {
      reportNew();
      isOver = true;
    },
  };
}

/** A text that is no JSON is kept unchanged: no line is lost because of its content. */
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
    // The file of another user keeps its mode.
  }
}

/** The log file that is written to now: pino-roll begins another one each day, and whenever it has grown to its size. */
export interface RollingFile {
  stream: Awaited<ReturnType<typeof roll>>;
  /** The path where the file should lie, and the file that is open: as `<device>:<inode>`, undefined when none is. */
  held(): { path: string; id: string | undefined };
  /** Opens the file anew by its name, in a folder that is made when it is missing. Throws the system's error, and keeps the old file open. */
  reopen(): void;
}

interface RollingFileOptions {
  folder: string;
  /** The first part of the names: `<stream>.<day>.<number>.log`. */
  stream: string;
  maxFileBytes: number;
  /** Bytes of lines that are kept in memory while the disk takes none. */
  keptBytes: number;
}

/** Opens the newest file of the day, or its first. Rejects with the system's error when it cannot be opened, with code `FOLDER_NAME` for a folder that pino-roll refuses. */
export async function openRollingFile(options: RollingFileOptions): Promise<RollingFile> {
  const { folder, stream: name, maxFileBytes, keptBytes } = options;
  const refused = refusedFolderName(folder);
  if (refused) throw new Fault(refused);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stream = await roll({
    file: join(folder, name),
    extension: '.log',
    dateFormat: 'yyyy-MM-dd',
    frequency: 'daily',
    size: `${Math.max(1, Math.floor(maxFileBytes / 1024))}k`,
    sync: true,
    mkdir: true,
    mode: 0o600,
    maxLength: keptBytes,
  });

  return {
    stream,
    held: () => ({ path: stream.file, id: openId(stream.fd) }),
    reopen() {
      mkdirSync(dirname(stream.file), { recursive: true, mode: 0o700 });
      // SonicBoom keeps a listener for each `reopen` that fails, which would close a descriptor twice later.
      closeSync(openSync(stream.file, 'a', 0o600));
      stream.reopen();
    },
  };
}

function openId(fd: number): string | undefined {
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
