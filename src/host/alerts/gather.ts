import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import { mutesNow } from '../../healing/mutes.ts';
import type { Incident, IncidentStore } from '../../healing/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { DRILL_PREFIX, isDrillAgent } from '../../kernel/drill-agents.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { DAY_MS, MINUTE_MS } from '../../kernel/measures.ts';
import type { Scrubber } from '../../kernel/scrub.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { AlertFacts } from '../../telemetry/alerts/decide.ts';
import type { Healed } from '../../telemetry/alerts/digest.ts';
import type { Alert, AlertStore, AlertTrouble, MaintenanceWindow } from '../../telemetry/alerts/ports.ts';
import { isInWindow, recurringNow } from '../../telemetry/alerts/windows.ts';
import { hostAllowListOf } from '../../workers/host-allow-list.ts';
import type { AgentWord } from '../api/agent-state.ts';
import type { States } from '../api/states.ts';
import type { pingsOf } from '../health/pings.ts';
import { failedAgents } from './failed.ts';
import { type TroubleFacts, troublesOf, verdictTitle } from './troubles.ts';

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

export interface AlertFactNeeds {
  time: Pick<Time, 'now'>;
  store: Pick<IncidentStore, 'incident' | 'incidents' | 'mutes'> &
    Pick<AlertStore, 'windows'> &
    Pick<JobRecords, 'list'>;
  settings: Pick<HostSettings, 'alerts' | 'timezone'>;
  scrub: Pick<Scrubber, 'value'>;
  /** Incidents that have not ended, as this host knows them. */
  healer: { open(): Incident[] };
  states: Pick<States, 'all'>;
  runnableAgents(): ReadonlyMap<string, Agent>;
  /** Programs outside that ping. */
  pings(): ReturnType<typeof pingsOf>;
  /** Problems of the host itself. */
  warnings(): PlainFault[];
  /** Early warnings that people are to be told of. */
  earlyWarnings(): readonly AlertTrouble[];
  startedAt: number;
}

/** The facts from which alerts are decided. `known`: the alerts so far; `channels`: those that do not deliver. */
export async function gatherAlertFacts(
  needs: AlertFactNeeds,
  known: readonly Alert[],
  channels: TroubleFacts['channels'],
): Promise<AlertFacts> {
  const { store } = needs;
  const now = needs.time.now();
  const [mutes, windows, statuses] = await Promise.all([store.mutes(), windowsNow(needs), needs.states.all()]);
  const muted = mutesNow(mutes, now);
  const incidents = needs.healer.open().filter(({ id, agent }) => id !== '' && !isDrillAgent(agent));
  const safe = needs.warnings().find(({ code }) => code === 'SAFE_MODE');
  const troubles = troublesOf({
    ...{ now, incidents, channels, warnings: needs.earlyWarnings() },
    failed: await failedAgents(statuses, store, now),
    firing: new Set(known.filter(({ state }) => state === 'firing').map(({ fingerprint }) => fingerprint)),
    isKeptBack: ({ fingerprint, agent }) => muted.has(fingerprint) || isInWindow(windows, agent),
    pings: needs.pings().filter(({ isLate }) => isLate),
    safeMode: safe && { since: needs.startedAt, message: safe.message, next: safe.next },
    mayReach: (agent, origin) => mayReach(needs.runnableAgents().get(agent), origin),
  });
  const holding = new Set(troubles.map(({ fingerprint }) => fingerprint));
  const gone = known.filter((one) => one.state === 'firing' && !holding.has(one.fingerprint));
  const stateOf = (agent: string) => statuses.get(agent)?.state;
  const found = gone.map(async (one) => {
    const incident = one.incident === null ? undefined : await store.incident(one.incident);
    const version = needs.runnableAgents().get(incident?.agent ?? '')?.version.id;
    const end = incident
      ? endingOfTrouble(incident, { now, version })
      : endingOf(one, { now, startedAt: needs.startedAt, stateOf });
    return [one.id, end] as const;
  });
  const ends = new Map(await Promise.all(found));
  return {
    now,
    troubles: needs.scrub.value(troubles),
    isMuted: (fingerprint) => muted.has(fingerprint),
    isInWindow: (agent) => isInWindow(windows, agent),
    endOf: ({ id }) => ends.get(id),
  };
}

/** Maintenance windows that hold now: those that people started, and those of the settings. */
export async function windowsNow({
  store,
  settings,
  time,
}: Pick<AlertFactNeeds, 'store' | 'settings' | 'time'>): Promise<MaintenanceWindow[]> {
  const terms = { now: time.now(), timezone: settings.timezone };
  return [...(await store.windows()), ...recurringNow(settings.alerts.windows, terms)];
}

/** The incidents that were healed between two times, epoch ms, the first included; none of drills. */
export async function healedBetween(
  { store }: Pick<AlertFactNeeds, 'store'>,
  from: number,
  to: number,
): Promise<Healed[]> {
  const found = await store.incidents({ states: ['healed'], since: from, exceptPrefix: DRILL_PREFIX, limit: 1_000 });
  return found.flatMap((one) => {
    const { id, agent, verdict, fingerprint, seen, openedAt, endedAt } = one;
    if (endedAt === null || endedAt < from || endedAt >= to) return [];
    const done = one.remedies.filter(({ held }) => held === true).map(({ what }) => what);
    const title = verdictTitle(agent ?? 'host', verdict, 'was');
    const ending = endingOfIncident(one)?.words ?? 'healed';
    return [{ incident: id, fingerprint, agent, title, seen, done, since: openedAt, endedAt, ending }];
  });
}

function mayReach(agent: Agent | undefined, origin: string): boolean {
  const url = URL.parse(origin);
  if (!agent || !url) return false;
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return hostAllowListOf(agent.needs.net)(url.hostname, port);
}

/** How the trouble of an alert ended that is no incident; undefined: this host cannot know yet. */
function endingOf({ fingerprint, agent }: Alert, facts: EndingFacts): Ending | undefined {
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
function endingOfTrouble(incident: Incident, { now, version }: { now: number; version: string | undefined }) {
  const { verdict, state, endedAt } = incident;
  const isSameCode = version !== undefined && version === incident.version;
  if (endedAt === null) return undefined;
  if (verdict !== 'leaking' || state !== 'healed' || !isSameCode) return endingOfIncident(incident);
  return now - endedAt < NO_LEAK_FOR_MS ? undefined : { at: now, words: 'no worker of it has leaked for a day' };
}

/** How an incident ended; undefined: it has not. */
function endingOfIncident(incident: Incident): Ending | undefined {
  const { state, endedAt, openedAt, timeline } = incident;
  if (endedAt === null) return undefined;
  const said = timeline.findLast(({ what }) => what === 'healed' || what === 'closed')?.text;
  const what =
    state === 'closed' ? 'closed by a person' : `healed after ${formatDuration(Math.max(0, endedAt - openedAt))}`;
  return { at: endedAt, words: said ? `${what}: ${said}` : what };
}
