import type { Incident } from '../../healing/ports.ts';
import { DAY_MS, MINUTE_MS } from '../../kernel/measures.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Alert } from '../../telemetry/alerts/ports.ts';
import type { AgentWord } from '../api/agent-state.ts';

/** The end of a trouble, in words. */
interface Ending {
  /** Epoch ms. */
  at: number;
  words: string;
}

/** A host has looked at everything so long after its start: before that, a trouble that nobody sees may still hold. */
const LOOKED_AFTER_MS = 2 * MINUTE_MS;
const NO_LEAK_FOR_MS = DAY_MS;

interface EndingFacts {
  /** Epoch ms. */
  now: number;
  startedAt: number;
  /** The state of an agent; undefined: it is not there, or not yet. */
  stateOf(agent: string): AgentWord | undefined;
}

const WORDS: Readonly<Record<string, string>> = {
  'channel:': 'it delivers again',
  'ping:': 'it pings again, or nobody waits for it',
  'safe-mode': 'the agents go on',
  'warning:': 'it is seen no more',
  'many:': 'none of its agents has the trouble any more',
};

/** How the trouble of an alert ended that is no incident; undefined: this host cannot know yet. */
export function endingOf({ fingerprint, agent }: Alert, facts: EndingFacts): Ending | undefined {
  const { now } = facts;
  const isFailed = fingerprint.startsWith('failed:');
  const state = isFailed && agent !== null ? facts.stateOf(agent) : undefined;
  if (state !== undefined) return { at: now, words: failedWords(state) };
  if (now - facts.startedAt < LOOKED_AFTER_MS) return undefined;
  const begin = Object.keys(WORDS).find((start) => fingerprint.startsWith(start));
  return { at: now, words: isFailed ? 'the agent is gone' : begin === undefined ? 'it is gone' : WORDS[begin]! };
}

function failedWords(state: AgentWord): string {
  return state === 'off' ? 'the agent is off' : `it is ${state}, and no dead letter of it waits any more`;
}

/**
 * How the trouble of an incident ended; undefined: it has not. A leak goes on with the next worker of the same code: it is over after a day
 * without one, with another version, or when a person has closed it. `version`: the one that the agent runs now.
 */
export function endingOfTrouble(incident: Incident, { now, version }: { now: number; version: string | undefined }) {
  const { verdict, state, endedAt } = incident;
  const isSameCode = version !== undefined && version === incident.version;
  if (endedAt === null) return undefined;
  if (verdict !== 'leaking' || state !== 'healed' || !isSameCode) return endingOfIncident(incident);
  return now - endedAt < NO_LEAK_FOR_MS ? undefined : { at: now, words: 'no worker of it has leaked for a day' };
}

/** How an incident ended; undefined: it has not. */
export function endingOfIncident(incident: Incident): Ending | undefined {
  const { state, endedAt, openedAt, timeline } = incident;
  if (endedAt === null) return undefined;
  const said = timeline.findLast(({ what }) => what === 'healed' || what === 'closed')?.text;
  const what =
    state === 'closed' ? 'closed by a person' : `healed after ${formatDuration(Math.max(0, endedAt - openedAt))}`;
  return { at: endedAt, words: said ? `${what}: ${said}` : what };
}
