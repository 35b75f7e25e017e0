import type { WhyView } from '../../control/protocol.ts';
import { clockTime, dayOf, fullTime, shortTime } from '../../kernel/clock.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { signOf } from '../../kernel/state-sign.ts';
import { formatDuration } from '../../kernel/units.ts';
import { argumentsOf, type Given } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import type { Look } from '../text/status.ts';
import { type Row, table } from '../text/table.ts';
import { wrap } from '../text/width.ts';

/** Words for what became of a planned time. */
export async function whyCommand(stage: Stage, [agent]: Words, options: Given): Promise<CommandResult> {
  const args = argumentsOf('why', options, { clock: stage.clock, command: `why ${agent}` });
  const { value: why, down } = await stage.askAnyway('why', { agent: agent!, ...args });
  return { json: why, lines: whyLines(why, stage), code: down ? 4 : 0 };
}

/** The sentence, then each step with its time; a step on another day says which. */
export function whyLines(why: WhyView, look: Look): string[] {
  const { clock, width } = look;
  const lines = wrap(oneLine(why.sentence), width);
  const slotDay = why.slot ? dayOf(Date.parse(why.slot), clock) : undefined;
  const days = why.steps.map((step) => dayOf(Date.parse(step.at), clock));
  const rows = why.steps.map((step, at): Row => {
    const day = days[at] !== (at === 0 ? slotDay : days[at - 1]) ? `${days[at]} ` : '';
    const { style } = signOf(step.what);
    return [`  ${day}${clockTime(Date.parse(step.at), clock)}`, [oneLine(step.what), style], oneLine(step.why ?? '')];
  });
  lines.push(...table([{ title: '', right: true }, '', { title: '', atLeast: 20 }], rows, look));
  return lines;
}

/** The future of an agent's schedule, in words, and its next times in its own zone. */
export async function nextCommand(stage: Stage, [agent]: Words, options: Given): Promise<CommandResult> {
  const args = argumentsOf('next', options, { clock: stage.clock, command: `next ${agent}` });
  const { value: next, down } = await stage.askAnyway('next', { agent: agent!, ...args });
  const code = down ? 4 : 0;
  if (next.schedule === null)
    return { json: next, lines: [`${agent} has no schedule; it runs when it is sent to, or by hand`], code };
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
    code,
  };
}
