import { linesBackwards, logFolderOf } from '../control/log-files.ts';
import { readHostFile } from '../control/place.ts';
import { isAlive } from '../control/process.ts';
import { momentOf } from '../kernel/clock.ts';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import { isInstallation } from './folder.ts';
import type { Offline, Stage } from './ports.ts';

/**
 * Opens the last known state and says on stderr that the host is down. Throws `down`, with what is known about the
 * host's end in its words, when there is no state to read.
 */
export async function openLastState(stage: Stage, down: Fault): Promise<Offline> {
  try {
    const opened = await stage.launcher.offline(stage.folder);
    stage.note(`${stage.paintNote('red', '✗')} ${downSentence(stage, down.plain, opened.lastSign)}`);
    stage.note('  Below: the last known state, read from the store.');
    stage.note(`  ${stage.paintNote('cyan', '→')} ${down.plain.next ?? 'daruma start'}`);
    return opened;
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    const message = isInstallation(stage.folder) ? downSentence(stage, down.plain, null) : down.plain.message;
    throw new Fault({ ...down.plain, message }, { cause });
  }
}

function downSentence({ folder, clock }: Stage, { message, data }: PlainFault, lastSign: string | null): string {
  const parts = [message];
  if (data?.endedAt !== undefined) return message;
  if (lastSign) parts.push(`last sign of life ${momentOf(Date.parse(lastSign), clock)}`);
  const host = readHostFile(folder);
  if (host && !isAlive(host)) parts.push(`pid ${host.pid} is gone`);
  return parts.join(', ');
}

/** Lines of the log that are searched, from the end. */
const MOST_LINES = 1_000;

/**
 * The fault of a host that is not there, with the reason for its end out of its log: only for a host that ended for
 * good and unasked. Returns `down` itself when the host ended otherwise, when another host has begun since, or when
 * the fault has the reason already.
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
