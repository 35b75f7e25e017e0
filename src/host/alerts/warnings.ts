import { formatDuration } from '../../kernel/units.ts';
import type { AlertTrouble } from '../../telemetry/alerts/ports.ts';
import type { Warning } from '../../telemetry/warnings/warning.ts';

/** People are told of these as soon as they rise: the machine's memory and disk at 70 %. */
const RISING: ReadonlySet<string> = new Set(['memory:host', 'disk:host']);

/** Early warnings as troubles of which people are told once. What is due is healing's: its incident tells. */
export function warningTroubles(warnings: readonly Warning[], now: number): AlertTrouble[] {
  return warnings.map(({ fingerprint, agent, quantity, word, since, text, next, hitsAt, culprit = null }) => {
    const left = hitsAt === null ? '' : `; the limit in ${formatDuration(Math.max(0, hitsAt - now))}`;
    return {
      ...{ fingerprint: `warning:${fingerprint}`, severity: 'warning', agent, since, culprit, next },
      ...{ title: `${quantity} of ${agent ?? 'host'} is ${word}`, seen: `${text}${left}`, done: [] },
      left: 'see to it while there is time',
      ...{ incident: null, parent: null },
      needsPerson: word === 'leaking' || (word === 'rising' && RISING.has(fingerprint)),
    };
  });
}
