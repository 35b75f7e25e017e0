import type { ConfigView } from '../../control/protocol.ts';
import { type Clock, nextTime } from './clock.ts';
import type { Paint } from './paint.ts';
import { oneLine } from './width.ts';

/** `config on probation until 14:05: cells.idle 60s → 5s`; what was taken back is told as a problem of its own. */
export function configLine(config: ConfigView | null | undefined, clock: Clock, paint: Paint): string | undefined {
  if (config?.is !== 'on-probation') return undefined;
  const until = config.until === null ? '' : ` until ${nextTime(Date.parse(config.until), clock)}`;
  return `${paint('yellow', '⟳')} config on probation${until}: ${changedWords(config.changed)}`;
}

/** `cells.idle 60s → 5s, timezone UTC → Asia/Tokyo` */
export function changedWords(changed: ConfigView['changed']): string {
  return oneLine(changed.map(({ path, before, after }) => `${path} ${before} → ${after}`).join(', '));
}
