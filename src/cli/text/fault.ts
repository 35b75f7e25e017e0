import { locationOf, type PlainFault } from '../../kernel/fault.ts';
import { type Paint, plain } from './paint.ts';
import { oneLine } from './width.ts';

/** Lines for people about a fault: a line with its cause, the place, the lines around it, and what to do next. */
export function faultLines(fault: PlainFault, paint: Paint = plain, sign = '✗'): string[] {
  const place = locationOf(fault);
  const message = oneLine(fault.message);
  const lines = [`${paint(sign === '✗' ? 'red' : 'yellow', sign)} ${message}`];
  if (place && !message.includes(place)) lines.push(`  at ${place}`);
  if (fault.frame)
    lines.push(
      ...fault.frame
        .trimEnd()
        .split('\n')
        .map((line) => `  ${visible(line)}`),
    );
  if (fault.next) lines.push(`  ${paint('cyan', '→')} ${oneLine(fault.next)}`);
  return lines;
}

/** A line of code without what would move the cursor; its spaces stay, for they carry a meaning. */
export function visible(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ' ');
}
