import { BOUNDS } from '../../kernel/bounds.ts';
import { formatDuration } from '../../kernel/units.ts';
import { numberOf } from '../given.ts';
import type { Said, Stage } from '../ports.ts';
import { fullTime } from '../text/clock.ts';

/** The next times of an agent's schedule, each in the terminal's zone. */
export async function run(stage: Stage, [agent]: (string | undefined)[], options: { times: string }): Promise<Said> {
  const n = numberOf(options.times, BOUNDS.times, '--times');
  const next = await stage.ask('next', { agent: agent!, n });
  if (next.schedule === null)
    return { json: next, lines: [`${agent} has no schedule; it runs when it is sent to, or by hand`] };
  const now = stage.clock.now;
  const lines = next.times.map((time) => {
    const at = Date.parse(time);
    return `  ${fullTime(at, stage.clock)}   in ${formatDuration(Math.max(0, at - now))}`;
  });
  const none = `  never again: ${next.schedule} has no time left`;
  return {
    json: next,
    lines: [`${agent}  ${next.schedule}  ${next.timezone}`, ...(lines.length > 0 ? lines : [none])],
  };
}
