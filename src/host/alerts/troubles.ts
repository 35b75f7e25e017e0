import { wantsSomebody } from '../../healing/incident-state.ts';
import type { Evidence, Incident, Verdict } from '../../healing/ports.ts';
import { verdictWords } from '../../healing/words.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { subject } from '../../kernel/subjects.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { AlertTrouble } from '../../telemetry/alerts/ports.ts';
import { type FailedAgent, failedTrouble } from './failed.ts';
import { groupTroubles } from './groups.ts';

/** The work that a person is left with, and the next command. */
interface Way {
  left: string;
  next(facts: { agent: string; id: string }): string;
}

const look: Way['next'] = ({ id }) => `daruma incidents ${id}`;
const mend = 'mend the plugin; a new version is taken at once';

const WAYS: Readonly<Record<Verdict, Way>> = {
  crashed: { left: mend, next: look },
  'out-of-memory': { left: 'bound what it holds, or raise limits.memory', next: look },
  'over-limit': { left: 'bound what it holds, or raise limits.memory', next: look },
  leaking: { left: 'bound what it holds: its workers are replaced meanwhile', next: look },
  'cell-lost': { left: 'see what its native code or its memory does', next: look },
  stuck: { left: 'give it a timeout of its own, or raise limits.timeout', next: look },
  silent: { left: 'let it beat() while it works, or raise limits.silence', next: look },
  'children-left': { left: 'end the commands that it starts', next: look },
  'crash-looping': { left: mend, next: ({ agent }) => `daruma logs ${agent} --level error; daruma rollback ${agent}` },
  late: { left: 'see why nothing of it starts', next: ({ agent }) => `daruma why ${agent}` },
  pressed: { left: 'give the machine memory, or take work from it', next: () => 'daruma status' },
  'disk-short': { left: 'make room on the disk: what may be deleted is deleted', next: () => 'daruma doctor' },
  'host-lost': { left: 'see why the host ended', next: look },
  'bad-version': { left: mend, next: ({ agent }) => `daruma versions ${agent}` },
  'bad-config': { left: 'mend config/daruma.yaml', next: () => 'daruma config show' },
  'failing-over': { left: 'see to the server, or name another one in origins', next: look },
  looping: { left: 'break the circle: its jobs make jobs', next: ({ agent }) => `daruma pause ${agent}` },
  'falling-behind': {
    left: 'more workers, a schedule that fires less often, or overlap: skip',
    next: ({ agent }) => `daruma status ${agent}`,
  },
  unscheduled: { left: 'mend its schedule', next: ({ agent }) => `daruma why ${agent}` },
  unreadable: { left: 'look at what was set aside', next: () => 'daruma store check' },
};

/** The facts of the troubles of now. */
export interface TroubleFacts {
  /** Epoch ms. */
  now: number;
  /** Incidents that have not ended, none of drills. */
  incidents: readonly Incident[];
  failed: readonly FailedAgent[];
  /** Programs outside that have not pinged in time. */
  pings: readonly { name: string; at: number; withinMs: number }[];
  safeMode: { since: number; message: string; next: string | undefined } | undefined;
  /** Channels that do not deliver. */
  channels: readonly { name: string; since: number; why: string; waiting: number }[];
  /** Early warnings, as they are. */
  warnings: readonly AlertTrouble[];
  /** Whether an agent may call an origin. */
  mayReach(agent: string, origin: string): boolean;
  /** Fingerprints of the alerts that fire. */
  firing: ReadonlySet<string>;
  /** Nobody is to be told of it now, for a mute or a window. */
  isKeptBack(trouble: AlertTrouble): boolean;
}

/** All that holds now, each with the trouble that it comes of. */
export function troublesOf(facts: TroubleFacts): AlertTrouble[] {
  const incidents = facts.incidents.map(incidentTrouble);
  const needing = new Map(
    incidents.filter(({ needsPerson }) => needsPerson).map((one) => [one.agent, one.fingerprint]),
  );
  const channels = facts.channels.map(channelTrouble);
  const ofChannels = new Set(channels.map(({ agent }) => agent));
  const failed = facts.failed
    .filter(({ name }) => !ofChannels.has(name))
    .map((one) => ({ ...failedTrouble(one, facts.now), parent: needing.get(one.name) ?? null }));
  const all = [
    ...incidents,
    ...failed,
    ...channels,
    ...facts.pings.map((one) => pingTrouble(one)),
    ...facts.warnings.filter((one) => !isOfIncidents(one)),
  ];
  const safe = facts.safeMode ? safeTrouble(facts.safeMode) : undefined;
  const parents = facts.incidents.filter(isParent);
  const withParents = all.map((one) => {
    if (one.parent !== null || one.agent === null) return one;
    if (safe) return { ...one, parent: safe.fingerprint };
    const own = facts.incidents.find(({ id }) => id === one.incident);
    const parent = parents.find((other) => comesOf({ one, own, other, facts }));
    return parent ? { ...one, parent: fingerprintOf(parent) } : one;
  });
  const grouped = groupTroubles(
    onePerFingerprint(withParents).map((trouble) => ({ trouble, ...causeOfTrouble(trouble, facts) })),
    facts,
  );
  return safe ? [safe, ...grouped] : grouped;
}

/** The cause of a trouble, so that several agents with the same are one message. */
function causeOfTrouble({ incident, fingerprint, agent }: AlertTrouble, facts: TroubleFacts) {
  if (fingerprint.startsWith('failed:'))
    return { kind: 'failed', error: facts.failed.find(({ name }) => name === agent)?.error ?? undefined };
  const { verdict = 'crashed', evidence } = facts.incidents.find(({ id }) => id === incident) ?? {};
  return { kind: verdictWords(verdict), error: evidence?.fault ?? undefined };
}

/** Leaks of agents are incidents, which tell what the warning does. */
function isOfIncidents({ fingerprint, agent }: AlertTrouble): boolean {
  return fingerprint.startsWith('warning:memory:') && agent !== null;
}

function incidentTrouble(incident: Incident): AlertTrouble {
  const { id, agent, verdict, openedAt, seen, remedies, timeline, evidence } = incident;
  const who = agent ?? 'host';
  const why = timeline.findLast(({ what }) => what === 'escalated')?.text;
  const { left, next } = WAYS[verdict];
  const origin = verdict === 'failing-over' ? originOf(incident) : undefined;
  // Workers of the agent are replaced in time: a person has hours to mend the code.
  const isEarly = verdict === 'leaking' && !wantsSomebody(incident);
  return {
    fingerprint: fingerprintOf(incident),
    severity: isEarly ? 'warning' : 'open',
    agent,
    since: openedAt,
    title: origin === undefined ? verdictTitle(who, verdict, 'is') : `${origin} is down`,
    seen: [seen, ...(why ? [`a person is asked: ${why}`] : [])].map(oneLine).join('; '),
    done: remedies.slice(-3).map(({ what, held }) => `${oneLine(what)}${held === false ? ' (did not hold)' : ''}`),
    left,
    next: next({ agent: who, id }),
    culprit: culpritOf(evidence),
    incident: id,
    cameOf: [subject.incident(id)],
    parent: null,
    // An agent in quarantine does none of its work, whether a model was asked or not.
    needsPerson: wantsSomebody(incident) || isEarly || verdict === 'crash-looping',
  };
}

/** `shop is stuck`, `shop was stuck`, `shop left processes behind` */
export function verdictTitle(who: string, verdict: Verdict, verb: 'is' | 'was'): string {
  const words = verdictWords(verdict);
  return verdict === 'children-left' ? `${who} ${words}` : `${who} ${verb} ${words}`;
}

/** Mutes and incidents name a cause by it. */
function fingerprintOf({ fingerprint }: Incident): string {
  return fingerprint;
}

function culpritOf(evidence: Evidence | null): string | null {
  const largest = [...(evidence?.children ?? [])].sort((a, b) => b.rssBytes - a.rssBytes)[0];
  if (largest) return `${largest.command} (pid ${largest.pid}, ${formatSize(largest.rssBytes)})`;
  const place = evidence?.heap?.[0] ?? evidence?.hot?.[0];
  if (!place?.file) return null;
  return `${place.name} (${place.file}${place.line === null ? '' : `:${place.line}`})`;
}

function channelTrouble({ name, since, why, waiting }: TroubleFacts['channels'][number]): AlertTrouble {
  const wait =
    waiting === 0 ? 'nothing waits for it' : `${waiting} ${waiting === 1 ? 'alert waits' : 'alerts wait'} for it`;
  return {
    ...{ fingerprint: `channel:${name}`, severity: 'open', agent: name, since, needsPerson: true },
    ...{ title: `${name} delivers no alerts`, seen: `${oneLine(why)}; ${wait}`, culprit: null },
    ...{ done: ['other channels and the file are told instead'], left: 'see why it does not post' },
    ...{ next: `daruma alerts test ${name}`, incident: null, parent: null },
  };
}

function pingTrouble({ name, at, withinMs }: TroubleFacts['pings'][number]): AlertTrouble {
  const late = `it has to ping every ${formatDuration(withinMs)}`;
  return {
    ...{ fingerprint: `ping:${name}`, severity: 'open', agent: null, since: at + withinMs, needsPerson: true },
    ...{ title: `${name}, outside of Daruma, is silent`, seen: late, done: [], left: 'see to the program' },
    ...{ next: `daruma health --forget ${name} ends the wait`, culprit: null, incident: null, parent: null },
  };
}

function safeTrouble({ since, message, next }: NonNullable<TroubleFacts['safeMode']>): AlertTrouble {
  return {
    ...{
      fingerprint: 'safe-mode',
      severity: 'open',
      agent: null,
      since,
      needsPerson: true,
      title: 'host is in safe mode',
    },
    ...{
      seen: message,
      cameOf: [subject.host()],
      done: ['all agents are held'],
      left: 'see why the host failed, then let the agents go on',
    },
    ...{ next: next ?? 'daruma status', culprit: null, incident: null, parent: null },
  };
}

/** Troubles of the machine and of servers, of which others come. */
const PARENTS: ReadonlySet<Verdict> = new Set(['pressed', 'disk-short', 'host-lost', 'failing-over']);
/** The consequences of a machine that is short of memory, and of a host that was lost. */
const OF_MEMORY: ReadonlySet<Verdict> = new Set([
  'late',
  'out-of-memory',
  'cell-lost',
  'silent',
  'stuck',
  'falling-behind',
]);
const OF_HOST: ReadonlySet<Verdict> = new Set(['late', 'cell-lost', 'unscheduled', 'falling-behind']);
const OF_ORIGIN: ReadonlySet<Verdict> = new Set(['late', 'falling-behind', 'stuck', 'silent']);
const DISK_FULL = /ENOSPC|EDQUOT|no space left|disk (?:is )?full|SQLITE_FULL/i;
/** A trouble that began longer before its parent is none of its children. */
const BEFORE_MS = MINUTE_MS;

function isParent({ agent, verdict }: Incident): boolean {
  return PARENTS.has(verdict) && (agent === null || verdict === 'failing-over');
}

function originOf({ evidence }: Incident): string | undefined {
  const origin = evidence?.fault?.data?.origin;
  return typeof origin === 'string' && origin !== '' ? origin : undefined;
}

interface Descent {
  one: AlertTrouble;
  /** The incident that the trouble is. */
  own: Incident | undefined;
  other: Incident;
  facts: TroubleFacts;
}

function comesOf({ one, own, other, facts }: Descent): boolean {
  if (own?.id === other.id || one.since < other.openedAt - BEFORE_MS || one.agent === null) return false;
  const isOf = (verdicts: ReadonlySet<Verdict>) => own !== undefined && verdicts.has(own.verdict);
  switch (other.verdict) {
    case 'pressed':
      return isOf(OF_MEMORY);
    case 'host-lost':
      return isOf(OF_HOST);
    case 'disk-short':
      return DISK_FULL.test(`${one.seen} ${own?.evidence?.fault?.code ?? ''}`);
    default: {
      const origin = originOf(other);
      if (origin === undefined) return false;
      const host = URL.parse(origin)?.host ?? origin;
      if (own?.evidence?.fault?.data?.origin === origin || one.seen.includes(host)) return true;
      return (own === undefined || isOf(OF_ORIGIN)) && facts.mayReach(one.agent, origin);
    }
  }
}

/** Two rooms may tell of one trouble: the first counts. */
function onePerFingerprint(troubles: readonly AlertTrouble[]): AlertTrouble[] {
  return [...new Map([...troubles].reverse().map((one) => [one.fingerprint, one])).values()].reverse();
}
