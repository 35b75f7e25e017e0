import { claimantOf, guardianAbove } from '../../control/claim.ts';
import { guardianOf, readHostFile } from '../../control/place.ts';
import { isAlive, type ProcessRef, processStart, signalProcess } from '../../control/process.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { formatDuration } from '../../kernel/units.ts';
import { durationOf } from '../given.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

const LOOK_EVERY_MS = 50;

/** Asks the host to end and waits until its process is gone. */
export async function stopCommand(stage: Stage, _words: Words, options: { within: string }): Promise<CommandResult> {
  const withinMs = durationOf(options.within, BOUNDS.timerOrNone, '--within');
  const from = stage.time.monotonic();
  const host = await askToStop(stage);
  const { pid } = host;
  if (!stage.json) stage.note(`stopping the host (pid ${pid}); running jobs may finish`);
  while (isAlive(host)) {
    if (stage.time.monotonic() - from > withinMs) {
      const message = `the host (pid ${pid}) has not ended within ${options.within}`;
      throw new Fault({ code: 'STOP_LATE', message, next: `daruma logs, or kill ${pid}: no accepted job is lost` });
    }
    await stage.time.sleep(LOOK_EVERY_MS);
  }
  const tookMs = Math.round(stage.time.monotonic() - from);
  return {
    json: { pid, tookMs },
    lines: [`${stage.paint('green', '✓')} host stopped in ${formatDuration(tookMs)}`],
  };
}

/** Asks over the socket, else by a signal, and returns the process whose end is waited for. A quick host ends the connection before its answer is out. */
async function askToStop(stage: Stage): Promise<ProcessRef> {
  // A host listens before its file is written.
  const known = readHostFile(stage.folder) ?? (await claimantOf(stage.folder));
  try {
    const { pid } = await stage.ask('stop', {});
    return known?.pid === pid && known.start !== '' ? known : { pid, start: processStart(pid) ?? '' };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    if (known !== undefined && thrown.plain.code === 'HOST_GONE') return known;
    if (thrown.plain.code !== 'HOST_DOWN') throw thrown;
    // Between two hosts, or before the next one listens: the guardian is asked, which would start the host again, else the host.
    const host = await claimantOf(stage.folder);
    const asked = guardianOf(stage.folder) ?? (host && guardianAbove(host)) ?? host;
    if (!asked || !signalProcess(asked, 'SIGTERM')) throw thrown;
    return asked;
  }
}
