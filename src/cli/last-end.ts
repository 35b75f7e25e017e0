import { Fault } from '../kernel/fault.ts';
import { linesBackwards, logFolderOf } from './log-files.ts';
import type { Stage } from './ports.ts';
import { momentOf } from './text/clock.ts';

/** Lines of the log that are searched, from the end. */
const MOST_LINES = 1_000;

/**
 * The fault of a host that is not there, with why it ended, as its log tells: for a host that ended for good, though nobody
 * had asked it to. As it was where it ended otherwise, another one has begun since, or the fault says why already.
 */
export function withLastEnd({ folder, clock }: Pick<Stage, 'folder' | 'clock'>, down: Fault): Fault {
  const { data, message, next } = down.plain;
  if (data !== undefined && !('socket' in data)) return down;
  let left = MOST_LINES;
  for (const line of linesBackwards(logFolderOf(folder))) {
    if (line.event === 'host.started' || left-- === 0) return down;
    if (line.room !== 'host' || line.ends !== true) continue;
    const why = `${message}, it ended ${momentOf(Date.parse(line.time), clock)}: ${line.msg}`;
    const step = typeof line.next === 'string' ? line.next : (next ?? 'daruma start');
    return new Fault({ ...down.plain, message: why, next: step, data: { endedAt: line.time } });
  }
  return down;
}
