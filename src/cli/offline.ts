import { isRunning, readHostFile } from '../control/place.ts';
import { Fault } from '../kernel/fault.ts';
import { isInstallation } from './folder.ts';
import type { Offline, Stage } from './ports.ts';
import { clockTime, dayOf, relative } from './text/clock.ts';

/**
 * Opens the last known state and tells stderr that the host is down. Throws `down`, with what is known about the
 * host's end in its words, when there is no state to read.
 */
export async function openLastState(stage: Stage, down: Fault): Promise<Offline> {
  try {
    const opened = await stage.house.offline(stage.folder);
    stage.note(`${stage.paintNote('red', '✗')} ${lastWords(stage, opened.lastSign)}`);
    stage.note('  Below: the last known state, read from the store.');
    stage.note(`  ${stage.paintNote('cyan', '→')} daruma start`);
    return opened;
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    const message = isInstallation(stage.folder) ? lastWords(stage, null) : down.plain.message;
    throw new Fault({ ...down.plain, message }, { cause });
  }
}

function lastWords(stage: Stage, lastSign: string | null): string {
  const parts = ['the host is not running'];
  if (lastSign) {
    const at = Date.parse(lastSign);
    const day = dayOf(at, stage.clock) === dayOf(stage.clock.now, stage.clock) ? '' : `${dayOf(at, stage.clock)} `;
    parts.push(`last sign of life ${day}${clockTime(at, stage.clock)} (${relative(at, stage.clock)})`);
  }
  const host = readHostFile(stage.folder);
  if (host)
    parts.push(isRunning(host.pid) ? `pid ${host.pid} is there but does not listen` : `pid ${host.pid} is gone`);
  return parts.join(', ');
}
