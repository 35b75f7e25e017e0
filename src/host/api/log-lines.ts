import { linesBackwards } from '../../control/log-files.ts';
import type { LogLine } from '../../control/protocol.ts';
import { LOG_LEVELS } from '../../kernel/log.ts';
import type { OpTable } from './handlers.ts';
import { instantOf } from './known.ts';

/** The number of lines that are read at most, and after which the event loop turns. */
const MOST_READ = 50_000;
const READ_AT_A_TIME = 200;

/** The operation that reads the log files of a folder, backwards. */
export function logLookup(folder: () => string): Pick<OpTable, 'logs'> {
  return {
    async logs({ agent, job, level, text, before, limit }) {
      const lowest = LOG_LEVELS.indexOf(level);
      const until = before === undefined ? Number.POSITIVE_INFINITY : instantOf(before);
      const wanted = text?.toLowerCase();
      const isWanted = (line: LogLine) =>
        (agent === undefined || line.agent === agent) &&
        (job === undefined || line.job === job) &&
        LOG_LEVELS.indexOf(line.level) >= lowest &&
        Date.parse(line.time) < until &&
        (wanted === undefined || JSON.stringify(line).toLowerCase().includes(wanted));
      const found: LogLine[] = [];
      let read = 0;
      for (const line of linesBackwards(folder())) {
        if (isWanted(line)) found.push(line);
        if (found.length >= limit || ++read >= MOST_READ) break;
        if (read % READ_AT_A_TIME === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return found.reverse();
    },
  };
}
