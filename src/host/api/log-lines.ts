import { lineFilter, linesBackwards, logFilesIn } from '../../control/log-files.ts';
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
    async logs({ limit, before, ...filter }) {
      const isWanted = lineFilter(before === undefined ? filter : { ...filter, before: instantOf(before) });
      const found: LogLine[] = [];
      let read = 0;
      for (const line of linesBackwards(folder())) {
        if (isWanted(line)) found.push(line);
        if (found.length >= limit || ++read >= MOST_READ) break;
        if (read % READ_AT_A_TIME === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return found.reverse();
    },
    async logFiles() {
      const files = logFilesIn(folder()).slice(0, MOST_FILES);
      return files.map(({ name, bytes, changedAt }) => ({ name, bytes, changedAt: isoOf(Math.floor(changedAt)) }));
    },
  };
}
