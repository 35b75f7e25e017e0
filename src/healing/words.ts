import { locationOf, type PlainFault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { isOrigin, type Outage, type Recovery } from '../kernel/origin.ts';
import { formatDuration, formatSize } from '../kernel/units.ts';
import type { Evidence } from '../workers/ports.ts';
import type { Leak } from './forecast.ts';
import type { LateWork } from './late.ts';
import type { Action, Incident, Observed, Verdict } from './ports.ts';

const SEEN: Record<Verdict, string> = {
  crashed: 'crashed',
  'out-of-memory': 'out of memory',
  leaking: 'leaking',
  'over-limit': 'over its memory limit',
  stuck: 'stuck',
  silent: 'silent',
  'children-left': 'left processes behind',
  'crash-looping': 'crash-looping',
  late: 'late',
  'cell-lost': 'lost its cell',
  pressed: 'short of memory',
  'disk-short': 'short of disk',
  'host-lost': 'host lost',
  'bad-version': 'on a bad version',
  'bad-config': 'on bad settings',
  'failing-over': 'failing over',
  looping: 'looping',
  'falling-behind': 'falling behind',
  unscheduled: 'without a next run',
  unreadable: 'with rows that nobody can read',
};

/** `out of memory`: a verdict for people. */
export const verdictWords = (verdict: Verdict): string => SEEN[verdict];

/** `w12: prices is not iterable (plugins/price-watch.ts:31)` */
export function endWords(worker: string | undefined, because: PlainFault): string {
  const place = locationOf(because);
  const said = because.message.split('\n', 1)[0]!;
  return `${worker ? `${worker}: ` : ''}${said}${place && !said.includes(place) ? ` (${place})` : ''}`;
}

/** `5 crashes in 3m 2s: prices is not iterable (plugins/price-watch.ts:31)` */
export function loopWords(count: number, withinMs: number, because: PlainFault): string {
  return `${count} ends in ${formatDuration(withinMs)}: ${endWords(undefined, because)}`;
}

/** `w3 holds 430 MB of 512 MB and grows 9 MB a minute: the limit in 9m` */
export function leakWords(worker: string, leak: Leak, limitBytes: number): string {
  return `${worker} holds ${formatSize(leak.usedBytes)} of ${formatSize(limitBytes)} and grows ${formatSize(leak.perMinuteBytes)} a minute: the limit in ${formatDuration(leak.leftMs)}`;
}

export function lateWords({ due, what }: LateWork, now: number): string {
  const waits = what === 'slot' ? 'its slot was not looked at' : 'its job was not started';
  return `due ${formatDuration(now - due)} ago, and ${waits}`;
}

/** `https://api.example is down: 503 Service Unavailable` */
export function originWords({ origin, failures }: Outage): string {
  const last = failures.at(-1)?.what;
  // Models say in their own words what is wrong with all of them.
  if (last !== undefined && !isOrigin(origin)) return last;
  return `${origin} is down: ${last ?? 'it was down when the host before this one ended'}`;
}

/** The origins that are asked meanwhile, and the time of the next probe. */
export function failOverNote({ instead, barred, probeAt, note }: Outage): string {
  if (note !== undefined) return note;
  const may = instead.length > 0 ? `${instead.join(', then ')} is asked instead` : 'nobody is asked instead';
  const not = [...new Set(barred.map(({ origin, agent }) => `${origin} is not in needs.net of ${agent}`))];
  return [may, ...not, `one call goes out as the probe ${nextProbe(probeAt)}, then at growing distances`].join('; ');
}

export function probeWords({ tries, failures }: Outage): string {
  return `probe ${tries} failed: ${failures.at(-1)?.what ?? 'no reason kept'}`;
}

export function probeNote({ probeAt }: Outage): string {
  return `the next call goes out to see ${nextProbe(probeAt)}`;
}

/** `a call of price-watch was answered; 12 calls were refused, 3 went elsewhere, 4 jobs waited` */
export function recoveryWords({ agent, refused, diverted, jobs, how }: Recovery): string {
  const counts = [
    `${refused} ${refused === 1 ? 'call was' : 'calls were'} refused`,
    ...(diverted > 0 ? [`${diverted} went elsewhere`] : []),
    `${jobs} ${jobs === 1 ? 'job' : 'jobs'} waited`,
  ];
  return `${how ?? `a call of ${agent} was answered`}; ${counts.join(', ')}`;
}

function nextProbe(at: number | null): string {
  return at === null ? 'now' : `at ${isoOf(at)}`;
}

/** Whom a remedy is for. `note`: what another room has done, in its own words. */
interface RemedyFacts {
  agent: string;
  worker: string | undefined;
  note: string | undefined;
}

/** An action of healing, for the record. */
export function actionWords(action: Action, { agent, worker = 'the worker', note }: RemedyFacts): string {
  switch (action) {
    case 'recycle':
      return `${worker} takes no more jobs and goes after the one it holds; a clean one takes its place`;
    case 'own-cell':
      return `${agent} gets a cell of its own; the job is tried again there`;
    case 'quarantine':
      return `quarantined${note ? `: ${note}` : ''}`;
    case 'catch-up':
      return 'it was woken again';
    case 'fresh-worker':
      return 'its idle workers were let go, and it was woken: its next job gets a new one in a cell of its own';
    case 'clean-up':
      return 'logs and old versions give up space';
    case 'plan-again':
      return 'its next slots are planned anew';
  }
}

/** A remedy of another room, for the record. */
export function observedWords(kind: Observed['kind'], { worker = 'the worker', note }: RemedyFacts): string {
  const more = note ? `; ${note}` : '';
  switch (kind) {
    case 'retry':
      return note ?? 'a clean worker takes its place; the job is tried again by its backoff';
    case 'kill':
      return `${worker} was killed; the job is tried again on a clean worker`;
    case 'kill-children':
      return 'the processes that it left were killed';
    case 'restart-host':
      return 'the host was started again and took over what was left';
    case 'roll-back':
      return note ?? 'what was good before runs again';
    case 'fail-over':
      return `calls to it are refused at once, and jobs that fail of that wait and lose no attempt${more}`;
    case 'refuse':
      return `what its jobs make is refused${more}`;
    case 'probe':
      return note ?? 'one call goes out as the probe';
    case 'relieve':
      return note ?? 'less is started until there is room again';
    case 'set-aside':
      return 'they were set aside as they were: daruma store check shows them';
  }
}

/** The one line that the log gets: what was seen, what was done, what came of it, how long it took. */
export function healedWords(incident: Incident, proof: string): string {
  const { agent, verdict, seen, remedies, openedAt, endedAt } = incident;
  const held = remedies.findLast((remedy) => remedy.held === true);
  const done = held ? `; ${held.what}` : '';
  const took = formatDuration(Math.max(0, (endedAt ?? openedAt) - openedAt));
  return `healed after ${took}: ${agent ?? 'host'} was ${verdictWords(verdict)} (${seen})${done}; ${proof}`;
}

/** Evidence that says at least why; what was found before the kill where there is any. */
export function incidentEvidence(found: Evidence | null | undefined, because: PlainFault, at: number): Evidence {
  const { stack: _, ...fault } = because;
  return { fault, ...(found ?? { at, tookMs: 0 }) };
}
