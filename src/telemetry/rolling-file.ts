import { closeSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { destination } from 'pino';
import { logFiles } from './log-files.ts';

/** The log file that is written to now: another one each day, and whenever it has grown to its size. */
export interface RollingFile {
  stream: ReturnType<typeof destination>;
  /** Before a line is written: turns to the next file when it is time. Never throws; a file that cannot be opened is tried again with the next line. */
  turn(now: number): void;
  /** Where it should lie, and what is open: as `<device>:<inode>`, undefined when nothing is. */
  held(): { path: string; id: string | undefined };
  /** Opens it anew by its name, in a folder that is made when it is missing. Throws the system's error, and goes on with what is open. */
  reopen(): void;
}

export interface RollingFileOptions {
  /** Any path: no sign in it means anything. */
  folder: string;
  /** The first part of the names: `<stream>.<day>.<number>.log`. */
  stream: string;
  maxFileBytes: number;
  /** What is kept in memory while nothing can be written. */
  keptBytes: number;
}

const PAUSE_AFTER_FAILURE_MS = 1_000;

/** Opens the newest file of the day, or its first. Throws the system's error when it cannot be opened. */
export function openRollingFile(options: RollingFileOptions, now: number): RollingFile {
  const { folder, stream: name, maxFileBytes, keptBytes } = options;
  mkdirSync(folder, { recursive: true });
  let day = dayAt(now);
  let number = newestOf(folder, name, day.name);
  let path = pathOf();
  let bytes = 0;
  let triedAt = Number.NEGATIVE_INFINITY;
  let isBehind = false;
  const stream = destination({ dest: path, sync: true, maxLength: keptBytes });
  bytes = statSync(path).size;
  stream.on('write', (written: number) => {
    bytes += written;
  });
  // Half a line may be in this file, and its other half in memory until there is space.
  stream.on('error', () => {
    isBehind = true;
  });
  stream.on('drain', () => {
    isBehind = false;
  });

  function pathOf(): string {
    return join(folder, `${name}.${day.name}.${number}.log`);
  }

  /** SonicBoom keeps a listener for each `reopen` that fails, which would close a descriptor twice later. */
  function open(file: string) {
    closeSync(openSync(file, 'a'));
    stream.reopen(file);
    path = file;
    bytes = statSync(file).size;
  }

  return {
    stream,
    turn(at) {
      // A clock that is set back never turns back: the newest file is the last by name.
      const isNextDay = at >= day.endsAt;
      if (isBehind || (!isNextDay && bytes < maxFileBytes)) return;
      if (Math.abs(at - triedAt) < PAUSE_AFTER_FAILURE_MS) return;
      const before = { day, number };
      try {
        day = isNextDay ? dayAt(at) : day;
        number = isNextDay ? newestOf(folder, name, day.name) : number + 1;
        open(pathOf());
        triedAt = Number.NEGATIVE_INFINITY;
      } catch {
        ({ day, number } = before);
        triedAt = at;
      }
    },
    held: () => ({ path, id: openId(stream) }),
    reopen() {
      mkdirSync(folder, { recursive: true });
      open(path);
    },
  };
}

/** The last number that the day's files have, or 1. */
function newestOf(folder: string, stream: string, day: string): number {
  const numbers = logFiles(folder, stream).flatMap((file) => {
    const [, of, number] = /\.(\d{4}-\d{2}-\d{2})\.(\d+)\.log$/.exec(file.name) ?? [];
    return of === day ? [Number(number)] : [];
  });
  return Math.max(1, ...numbers);
}

/** The machine's day: its name, and when the next one begins. */
function dayAt(now: number): { name: string; endsAt: number } {
  const date = new Date(now);
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  const two = (part: number) => String(part).padStart(2, '0');
  return { name: `${year}-${two(month + 1)}-${two(day)}`, endsAt: new Date(year, month, day + 1).getTime() };
}

function openId(stream: object): string | undefined {
  try {
    const { dev, ino } = fstatSync((stream as { fd: number }).fd, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
