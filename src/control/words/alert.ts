import { formatDuration } from '../../kernel/units.ts';
import type { Ops } from '../protocol.ts';

/** `1 alert: shop has failed`; of several the worst is named. */
export function openAlertWords(firing: number, worst: string): string {
  return firing === 1 ? `1 alert: ${worst}` : `${firing} alerts, first of them: ${worst}`;
}

/** `post-email 0.8s, post-webhook waits`; `here` says where an alert stands that goes by no channel. */
export function deliveryWords(
  { deliveries, announcedAt, quiet }: Ops['alerts']['value'][number],
  here = 'terminal and file',
): string {
  if (quiet) return 'quiet: it comes of another trouble';
  if (announcedAt === null) return 'kept back';
  const last = [...new Map(deliveries.map((one) => [one.channel, one])).values()];
  if (last.length === 0) return here;
  return last
    .map(({ channel, state, tookMs }) => `${channel} ${tookMs === null ? state : formatDuration(tookMs)}`)
    .join(', ');
}
