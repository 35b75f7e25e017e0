import { type Clock, nextTime } from '../../kernel/clock.ts';
import type { WarningView } from '../protocol.ts';

/** `memory of shop grows by 17 MB an hour; the limit Sat 04:10`: the sentence, with the time of the limit where that is known. */
export function warningWords({ text, hitsAt }: WarningView, clock: Clock): string {
  return hitsAt === null ? text : `${text}; the limit ${nextTime(Date.parse(hitsAt), clock)}`;
}
