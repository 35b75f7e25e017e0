import { join } from 'node:path';
import {
  countLineEnds,
  lineFilter,
  logFilesIn,
  type PlacedLine,
  placedLinesBackwards,
} from '../../control/log-files.ts';
import type { LogLine } from '../../control/protocol.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { OpTable } from './handlers.ts';
import { instantOf } from './known.ts';

/** The number of lines that are read at most, and after which the event loop turns. */
const MOST_READ = 50_000;
const READ_AT_A_TIME = 200;

/** Log files that are listed at most. */
const MOST_FILES = 1_000;

/** The operations that read the log files of a folder, lines backwards. */
export function logLookup(folder: () => string): Pick<OpTable, 'logs' | 'logFiles'> {
  return {
    async logs({ limit, before, places, ...filter }) {
      const wanted = before === undefined ? filter : { ...filter, before: instantOf(before) };
      const found = await newestLines(folder(), wanted, limit);
      return places ? withPlaces(folder(), found) : found.map(({ line }) => line);
    },
    async logFiles() {
      const files = logFilesIn(folder()).slice(0, MOST_FILES);
      return files.map(({ name, bytes, changedAt }) => ({ name, bytes, changedAt: isoOf(Math.floor(changedAt)) }));
    },
  };
}

/** The newest lines in a folder that match, oldest first; the event loop turns meanwhile. */
export async function newestLines(
  folder: string,
  filter: Parameters<typeof lineFilter>[0],
  limit: number,
): Promise<PlacedLine[]> {
  const isWanted = lineFilter(filter);
  const found: PlacedLine[] = [];
  let read = 0;
  for (const placed of placedLinesBackwards(folder, filter.before)) {
    if (isWanted(placed.line)) found.push(placed);
    if (found.length >= limit || ++read >= MOST_READ) break;
    if (read % READ_AT_A_TIME === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return found.reverse();
}

async function withPlaces(folder: string, found: readonly PlacedLine[]): Promise<LogLine[]> {
  const ends = new Map<string, number>();
  const placed: LogLine[] = [];
  for (const { line, file, fromEnd, bytes } of found) {
    const key = `${file} ${bytes}`;
    if (!ends.has(key)) ends.set(key, await countLineEnds(join(folder, file), bytes));
    placed.push({ ...line, place: `${file}:${ends.get(key)! - fromEnd + 1}` });
  }
  return placed;
}
