import { causeOf } from '../../jobs/faults.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { AlertTrouble } from '../../telemetry/alerts/ports.ts';

/** A trouble with the error that it is about; undefined: it is about none, and stands for itself. */
interface CausedTrouble {
  trouble: AlertTrouble;
  /** The trouble of the agent: `failed`, `late`. Troubles of several kinds are several groups. */
  kind: string;
  error: Pick<PlainFault, 'code' | 'message'> | undefined;
}

interface GroupFacts {
  /** Fingerprints of the alerts that fire. */
  firing: ReadonlySet<string>;
  /** Nobody is to be told of the trouble, for a mute or a window: no group speaks of it. */
  isKeptBack(trouble: AlertTrouble): boolean;
}

/** So many agents of one cause are one message. */
const LEAST_MEMBERS = 3;
const MOST_NAMED = 12;
/** Characters of a cause in a title. */
const LONGEST_CAUSE = 80;

/**
 * Puts troubles of several agents with one cause under one trouble, of which people are told instead: the same kind, error code and message,
 * whatever its figures. A group that was told holds until the last of its troubles is over.
 */
export function groupTroubles(all: readonly CausedTrouble[], facts: GroupFacts): AlertTrouble[] {
  const causes = new Map(all.map((one) => [one.trouble, causeIn(one, facts)]));
  const groups = Map.groupBy(
    all.filter(({ trouble }) => causes.get(trouble) !== undefined),
    ({ trouble }) => causes.get(trouble)!,
  );
  const chosen = [...groups].filter(
    ([cause, members]) => members.length >= LEAST_MEMBERS || facts.firing.has(fingerprintOfGroup(cause)),
  );
  const chosenCauses = new Set(chosen.map(([cause]) => cause));
  const members = all.map(({ trouble }) => {
    const cause = causes.get(trouble);
    return cause !== undefined && chosenCauses.has(cause) ? { ...trouble, parent: fingerprintOfGroup(cause) } : trouble;
  });
  return [...chosen.map(([cause, those]) => groupTrouble(cause, those)), ...members];
}

function causeIn({ trouble, kind, error }: CausedTrouble, { isKeptBack }: GroupFacts): string | undefined {
  const { needsPerson, severity, parent, agent } = trouble;
  if (!error || !needsPerson || severity !== 'open' || parent !== null || agent === null) return undefined;
  return isKeptBack(trouble) ? undefined : causeOf({ code: `${kind} ${error.code}`, message: error.message });
}

function fingerprintOfGroup(cause: string): string {
  return `many:${cause}`;
}

function cutAt(text: string): string {
  return text.length <= LONGEST_CAUSE ? text : `${text.slice(0, LONGEST_CAUSE - 1)}…`;
}

function groupTrouble(cause: string, members: readonly CausedTrouble[]): AlertTrouble {
  const { kind, error, trouble } = members[0]!;
  const names = members.map((one) => one.trouble.agent!).sort();
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  const who = `${names.length} ${names.length === 1 ? 'agent' : 'agents'}`;
  const isFailed = kind === 'failed';
  return {
    ...{ fingerprint: fingerprintOfGroup(cause), severity: 'open', agent: null, culprit: null, incident: null },
    newestAt: Math.max(...members.map((one) => one.trouble.newestAt ?? one.trouble.since)),
    since: Math.min(...members.map((one) => one.trouble.since)),
    title: `${who} ${isFailed ? 'failed' : `(${kind})`} of one cause: ${cutAt(oneLine(error!.message))}`,
    seen: `${names.slice(0, MOST_NAMED).join(', ')}${more}: ${error!.code}, ${oneLine(error!.message)}`,
    done: trouble.done,
    ...given({ cameOf: trouble.cameOf }),
    left: isFailed ? 'mend the cause, then run the jobs again' : trouble.left,
    next: isFailed ? 'daruma dlq' : 'daruma incidents --open',
    ...{ parent: null, needsPerson: true },
  };
}
