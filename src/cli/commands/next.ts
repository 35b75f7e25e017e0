import { BOUNDS } from '../../kernel/bounds.ts';
import { formatDuration } from '../../kernel/units.ts';
import { numberOf } from '../given.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { fullTime, shortTime } from '../text/clock.ts';
import { wrap } from '../text/width.ts';

/** The future of an agent's schedule, in words, and its next times in its own zone. */
export async function run(
  stage: Stage,
  [agent]: (string | undefined)[],
  options: { times: string },
): Promise<CommandResult> {
  const n = numberOf(options.times, BOUNDS.times, '--times');
  const { value: next, down } = await stage.askAnyway('next', { agent: agent!, n });
  const code = down ? { code: 4 } : {};
  if (next.schedule === null)
    return { json: next, lines: [`${agent} has no schedule; it runs when it is sent to, or by hand`], ...code };
  const { clock, paint, width } = stage;
  const own = { now: clock.now, zone: next.timezone ?? clock.zone };
  const lines = next.times.map((time) => {
    const at = Date.parse(time);
    const isElsewhere = shortTime(at, own) !== shortTime(at, clock);
    const here = isElsewhere ? paint('dim', `   ${shortTime(at, clock)} here`) : '';
    return `  ${fullTime(at, own)}   in ${formatDuration(Math.max(0, at - clock.now))}${here}`;
  });
  const notes = (next.notes ?? []).flatMap((note) => {
    const [first, ...rest] = wrap(note, width - 4);
    return [`  · ${first}`, ...rest.map((line) => `    ${line}`)];
  });
  const words = next.words ? wrap(next.words, width - 2).map((line) => `  ${line}`) : [];
  const none = '  never again: its schedule has no time left';
  return {
    json: next,
    lines: [`${agent}  ${next.schedule}  ${next.timezone}`, ...words, ...notes, ...(lines.length > 0 ? lines : [none])],
    ...code,
  };
}
