import type { WhyView } from '../../control/protocol.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { clockTime, dayOf } from '../text/clock.ts';
import { signOf } from '../text/paint.ts';
import type { Look } from '../text/status.ts';
import { type Row, table } from '../text/table.ts';
import { oneLine, wrap } from '../text/width.ts';
import { usage } from '../usage.ts';
import { parseWhen } from '../when.ts';

/** Words for what became of a planned time. */
export async function run(
  stage: Stage,
  [agent]: (string | undefined)[],
  options: { at?: string },
): Promise<CommandResult> {
  const at = options.at === undefined ? undefined : parseWhen(options.at, stage.clock);
  if (options.at !== undefined && at === undefined) {
    throw usage(`--at ${options.at} is no time`, `daruma why ${agent} --at "Sat 02:00"`);
  }
  const { value: why, down } = await stage.askAnyway('why', {
    agent: agent!,
    ...(at === undefined ? {} : { at: isoOf(at) }),
  });
  return { json: why, lines: whyLines(why, stage), ...(down ? { code: 4 } : {}) };
}

/** The sentence, then each step with its time; a step on another day says which. */
export function whyLines(why: WhyView, { clock, paint, width }: Look): string[] {
  const lines = wrap(oneLine(why.sentence), width);
  const slotDay = why.slot ? dayOf(Date.parse(why.slot), clock) : undefined;
  const days = why.steps.map((step) => dayOf(Date.parse(step.at), clock));
  const rows = why.steps.map((step, at): Row => {
    const day = days[at] !== (at === 0 ? slotDay : days[at - 1]) ? `${days[at]} ` : '';
    const { style } = signOf(step.what);
    return {
      cells: [
        `  ${day}${clockTime(Date.parse(step.at), clock)}`,
        { text: oneLine(step.what), paint: (text) => paint(style, text) },
        oneLine(step.why ?? ''),
      ],
    };
  });
  lines.push(...table([{ title: '', right: true }, { title: '' }, { title: '', atLeast: 20 }], rows, width));
  return lines;
}
