import { subject } from '../../kernel/subjects.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { AlertTrouble } from '../../telemetry/alerts/ports.ts';
import type { Warning } from '../../telemetry/warnings/warning.ts';

/** People are told of these as soon as they rise: the machine's memory and disk at 70 %. */
const RISING: ReadonlySet<string> = new Set(['memory:host', 'disk:host']);

/** Early warnings as troubles of which people are told once. A limit that is near is healing's: its incident tells. */
export function warningTroubles(warnings: readonly Warning[], now: number): AlertTrouble[] {
  return warnings.map(({ fingerprint, agent, quantity, word, since, text, next, hitsAt, culprit = null }) => {
    const left = hitsAt === null ? '' : `; the limit in ${formatDuration(Math.max(0, hitsAt - now))}`;
    return {
      ...{ fingerprint: `warning:${fingerprint}`, severity: 'warning', agent, since, culprit, next },
      ...{ title: `${quantity} of ${agent ?? 'host'} is ${word}`, seen: `${text}${left}`, done: [] },
      left: 'see to it while there is time',
      cameOf: [subject.warning(fingerprint)],
      ...{ incident: null, parent: parentOf(fingerprint, hitsAt, warnings, now) },
      needsPerson: word === 'leaking' || (word === 'rising' && RISING.has(fingerprint)),
    };
  });
}

/** Files that grow on the disk of the store. */
const ON_DISK: ReadonlySet<string> = new Set(['logs:host', 'wal:host']);
/** Files that account for two thirds of what the disk loses reach its end at most so many times later. */
const MOST_LATER = 1.5;

/** A disk that fills of the logs, or of the write-ahead log, is told of with them. */
function parentOf(
  fingerprint: string,
  hitsAt: number | null,
  warnings: readonly Warning[],
  now: number,
): string | null {
  if (fingerprint !== 'disk:host') return null;
  const cause = warnings.find((one) => ON_DISK.has(one.fingerprint) && one.word === 'leaking' && one.hitsAt !== null);
  if (!cause || (hitsAt !== null && cause.hitsAt! - now > MOST_LATER * (hitsAt - now))) return null;
  return `warning:${cause.fingerprint}`;
}
