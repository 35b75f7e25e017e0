import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { logFilesIn, parseLogLine } from '../control/log-files.ts';
import type { LogLine } from '../control/protocol.ts';
import type { Time } from '../kernel/time.ts';

/** Looks at the end of the newest log file, while somebody follows: the host is not asked and sends nothing. */
export interface LogTail {
  /** Calls back, at most once a second, when lines that are wanted were written. The answer ends it. */
  follow(isWanted: (line: LogLine) => boolean, call: () => void): () => void;
}

const EVERY_MS = 1_000;
/** Bytes that are read of what is new; with more, every follower is told. */
const MOST_BYTES = 256 * 1024;

export function createLogTail({ time, folder }: { time: Time; folder: string }): LogTail {
  const followers = new Set<{ isWanted(line: LogLine): boolean; call(): void }>();
  let place: Place | undefined;
  let stopClock = () => {};

  function look() {
    stopClock = time.after(EVERY_MS, look);
    const now = endOf(folder);
    const written = linesBetween(folder, place, now);
    place = written.place;
    for (const { isWanted, call } of followers)
      if (written.lines === 'too many' || written.lines.some(isWanted)) call();
  }

  return {
    follow(isWanted, call) {
      const follower = { isWanted, call };
      if (followers.size === 0) {
        place = endOf(folder);
        stopClock = time.after(EVERY_MS, look);
      }
      followers.add(follower);
      return () => {
        followers.delete(follower);
        if (followers.size === 0) stopClock();
      };
    },
  };
}

/** The end of a log: its newest file, and the bytes of it that are known. */
interface Place {
  name: string;
  bytes: number;
}

function endOf(folder: string): Place | undefined {
  const [newest] = logFilesIn(folder);
  return newest && { name: newest.name, bytes: newest.bytes };
}

/** The whole lines that were written since `was`, and the place after them. */
function linesBetween(
  folder: string,
  was: Place | undefined,
  now: Place | undefined,
): { lines: LogLine[] | 'too many'; place: Place | undefined } {
  if (!now) return { lines: [], place: undefined };
  const from = was?.name === now.name ? was.bytes : 0;
  if (from === now.bytes) return { lines: [], place: now };
  if (from > now.bytes || now.bytes - from > MOST_BYTES) return { lines: 'too many', place: now };
  const text = readBetween(join(folder, now.name), from, now.bytes);
  const end = text.lastIndexOf(0x0a) + 1;
  const lines = text.subarray(0, end).toString('utf8').split('\n');
  return { lines: lines.flatMap((line) => parseLogLine(line) ?? []), place: { ...now, bytes: from + end } };
}

/** Empty for a file that is gone or cannot be read. */
function readBetween(path: string, from: number, to: number): Buffer {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return Buffer.alloc(0);
  }
  try {
    const bytes = Buffer.alloc(to - from);
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from));
  } catch {
    return Buffer.alloc(0);
  } finally {
    closeSync(file);
  }
}
