import type { HealthView } from '../../control/protocol.ts';
import { type Clock, momentOf, nextTime } from '../../kernel/clock.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration } from '../../kernel/units.ts';

import type { Look } from './status.ts';
import { type Row, table } from './table.ts';
import { joined } from './width.ts';

const SIGNS = { ok: ['✓', 'green'], degraded: ['!', 'yellow'], down: ['✗', 'red'] } as const;
const NONE = '–';

/** The state with its reasons, the age of each loop, and the last sign of life of agents and of programs outside. */
export function healthLines(health: HealthView, look: Look): string[] {
  const { reasons, loops, agents, pings } = health;
  const [sign, style] = SIGNS[health.state];
  const lines = [look.paint(style, `${sign} ${health.state}`)];
  if (reasons.length > 0) {
    const rows = reasons.map(({ code, who, text }): Row => ['', [code, style], who, oneLine(text)]);
    lines.push(...table(['', 'REASON', { title: 'WHO', atLeast: 10 }, { title: '', atLeast: 20 }], rows, look));
  }
  if (loops.length > 0) {
    const ages = loops.map(({ name, agoMs }) => `${name} ${formatDuration(agoMs)}`);
    lines.push('', 'loops last turned, ago:', ...joined(ages, ' · ', look.width - 2).map((line) => `  ${line}`));
  }
  if (agents.length > 0) {
    const rows = agents.map(({ name, lastRun, lastBeat, nextSlot }): Row => {
      const next = nextSlot === null ? NONE : nextTime(Date.parse(nextSlot), look.clock);
      return ['', name, moment(lastRun, look.clock), moment(lastBeat, look.clock), next];
    });
    lines.push('', ...table(['', { title: 'AGENT', atLeast: 12 }, 'LAST RUN', 'LAST BEAT', 'NEXT'], rows, look));
  }
  if (pings.length > 0) {
    const rows = pings.map(({ name, at, withinMs, late }): Row => {
      const mark = late ? (['!', 'yellow'] as const) : (['✓', 'green'] as const);
      return [[...mark], name, moment(at, look.clock), formatDuration(withinMs)];
    });
    lines.push('', ...table(['', { title: 'OUTSIDE', atLeast: 12 }, 'LAST PING', 'WITHIN'], rows, look));
  }
  return lines;
}

function moment(time: string | null, clock: Clock): string {
  return time === null ? NONE : momentOf(Date.parse(time), clock);
}
