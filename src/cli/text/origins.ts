import type { OriginView } from '../../control/protocol.ts';
import { type Clock, relative, shortTime } from './clock.ts';
import type { Paint } from './paint.ts';
import { cut, oneLine } from './width.ts';

/** A line for each origin that is down: since when, why, the origin that is asked instead, the time of the next probe. */
export function originLines(
  origins: readonly OriginView[],
  { paint, clock, width }: { paint: Paint; clock: Clock; width: number },
): string[] {
  return origins.flatMap(({ origin, since, last, instead, probeAt }) => {
    if (since === null) return [];
    const parts = [
      `${origin} is down since ${shortTime(Date.parse(since), clock)}${last ? `: ${oneLine(last.what)}` : ''}`,
      ...(instead.length > 0 ? [`instead ${instead.join(', ')}`] : []),
      probeAt === null ? 'a call is out to see' : `asked again ${relative(Date.parse(probeAt), clock)}`,
    ];
    return [`${paint('red', '✗')} ${cut(parts.join(' · '), width - 2)}`];
  });
}
