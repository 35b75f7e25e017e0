import { locationOf, type PlainFault } from '../../kernel/fault.ts';
import { oneLine, plainLine } from '../../kernel/shown-text.ts';
import { type Paint, plain } from './paint.ts';

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
        .map((line) => `  ${plainLine(line)}`),
    );
  if (fault.next) lines.push(`  ${paint('cyan', '→')} ${oneLine(fault.next)}`);
  return lines;
}
