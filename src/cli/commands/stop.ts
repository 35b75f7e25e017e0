import { guardianOf, isRunning, readHostFile } from '../../control/place.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { formatDuration } from '../../kernel/units.ts';
import { durationOf } from '../given.ts';
import type { Said, Stage } from '../ports.ts';

const LOOK_EVERY_MS = 50;

/** Asks the host to end and waits until its process is gone. */
export async function run(stage: Stage, _args: unknown[], options: { within: string }): Promise<Said> {
  const withinMs = durationOf(options.within, BOUNDS.timerOrNone, '--within');
  const from = stage.time.monotonic();
  const pid = await askToStop(stage);
  if (!stage.json) stage.note(`stopping the host (pid ${pid}); running jobs may finish`);
  while (isRunning(pid)) {
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

/** A host that is quick ends the connection before its answer is out. */
async function askToStop(stage: Stage): Promise<number> {
  const known = readHostFile(stage.folder)?.pid;
  try {
    return (await stage.ask('stop', {})).pid;
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    if (known !== undefined && thrown.plain.code === 'HOST_GONE') return known;
    const guardian = guardianOf(stage.folder);
    if (thrown.plain.code !== 'HOST_DOWN' || guardian === undefined) throw thrown;
    // Between two hosts, or before the next one listens: whoever would start it again is asked.
    process.kill(guardian, 'SIGTERM');
    return guardian;
  }
}
