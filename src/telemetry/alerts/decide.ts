import { fnv1a } from '../../kernel/fnv.ts';
import { HOUR_MS, MINUTE_MS } from '../../kernel/measures.ts';
import type { Alert, AlertStep, AlertTrouble } from './ports.ts';

/** The facts of a decision. */
export interface AlertFacts {
  /** Epoch ms. */
  now: number;
  /** The troubles that hold now, each fingerprint once. */
  troubles: readonly AlertTrouble[];
  /** People want to hear nothing of this cause. */
  isMuted(fingerprint: string): boolean;
  /** A maintenance window holds for the agent; null: the host. */
  isInWindow(agent: string | null): boolean;
  /** How the trouble of an alert ended that is not among the troubles; undefined: nobody knows yet that it has. */
  endOf(alert: Alert): { at: number; words: string } | undefined;
}

/** After so long people are reminded of a trouble that wants them. */
const REMIND_AFTER_MS: readonly number[] = [HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS];
/** Later people are reminded once in so long, when the same has happened anew since. */
const ANEW_AFTER_MS = 24 * HOUR_MS;
/** A trouble that comes back within this time is the same alert again. */
export const RETURN_WITHIN_MS = HOUR_MS;
/** How long troubles stay quiet after the one that they came of is over: they may be over in a moment, too. */
export const CHILD_GRACE_MS = 2 * MINUTE_MS;
/** The end of a trouble that came back is believed when it has lasted so long, twice as long after each return. */
const SETTLED_MS = 10 * MINUTE_MS;
const LONGEST_SETTLED_MS = 6 * HOUR_MS;
/** Steps of an alert that are kept. */
const MOST_STEPS = 60;

/**
 * Decides what people are told now. `known`: alerts that hold, that owe their end, or that were over within the last hour. Returns the
 * alerts that changed; a step without deliveries that `known` did not have is to be told.
 *
 * Each fingerprint has one alert; `over` only after `firing`; nothing in a maintenance window, while the cause is muted, or while the
 * trouble holds that it came of. An alert that was kept back is told afterwards, if it still holds, or if people know of it.
 */
export function decideAlerts(facts: AlertFacts, known: readonly Alert[]): Alert[] {
  const wanted = troublesToAnnounce(facts.troubles);
  const holding = new Map(facts.troubles.map((one) => [one.fingerprint, one]));
  const fingerprints = new Set(wanted.map(({ fingerprint }) => fingerprint));
  const current = currentByFingerprint(known, facts.now);
  const begun = wanted.filter(({ fingerprint }) => !current.has(fingerprint)).map(newAlert);
  return [...current.values(), ...begun].flatMap((before) => {
    const after = nextAlert(before, { holding, wanted: fingerprints }, facts);
    return after === before && known.includes(before) ? [] : [after];
  });
}

/** Troubles that want a person themselves, and those of which such troubles came. */
function troublesToAnnounce(troubles: readonly AlertTrouble[]): AlertTrouble[] {
  const wanted = new Set(
    troubles.filter((one) => one.needsPerson && one.severity === 'open').map(({ parent }) => parent),
  );
  return troubles.filter(({ needsPerson, fingerprint }) => needsPerson || wanted.has(fingerprint));
}

/** The alert of each fingerprint that holds, owes its end, or may come back. */
function currentByFingerprint(known: readonly Alert[], now: number): Map<string, Alert> {
  const current = new Map<string, Alert>();
  for (const alert of [...known].sort((a, b) => a.since - b.since)) {
    const mayReturn = alert.endedAt !== null && now - alert.endedAt < RETURN_WITHIN_MS;
    if (alert.state === 'firing' || isAnnounced(alert) || mayReturn) current.set(alert.fingerprint, alert);
  }
  return current;
}

interface Troubles {
  /** By fingerprint. */
  holding: ReadonlyMap<string, AlertTrouble>;
  /** Fingerprints of those that people are to be told of. */
  wanted: ReadonlySet<string>;
}

function nextAlert(before: Alert, { holding, wanted }: Troubles, facts: AlertFacts): Alert {
  const { fingerprint: its, state } = before;
  // A trouble that is dealt with, or only shown, begins no alert, and does not bring one back.
  const trouble = state === 'firing' || wanted.has(its) ? holding.get(its) : undefined;
  const alert = withQuietEnd(
    trouble ? withTrouble(before, trouble, facts) : withoutTrouble(before, facts),
    holding,
    facts,
  );
  const { fingerprint, agent, quietUntil } = alert;
  const isMuted = facts.isMuted(fingerprint);
  const isKept = facts.isInWindow(agent) || quietUntil !== null;
  if (isMuted && alert.state === 'over' && isAnnounced(alert))
    return withStep(alert, { is: 'over', silent: 'muted' }, facts);
  return isMuted || isKept ? alert : withDueStep(alert, trouble?.newestAt ?? null, facts);
}

/** The step that is due, if any. */
function withDueStep(alert: Alert, newestAt: number | null, facts: AlertFacts): Alert {
  const { now } = facts;
  const isKnown = isAnnounced(alert);
  if (alert.state === 'over') {
    if (!isKnown || now - alert.endedAt! < settledMs(alert)) return alert;
    return withStep(alert, { is: 'over' }, facts);
  }
  if (!isKnown) return withStep(alert, { is: 'firing' }, facts);
  if (alert.severity !== 'open') return alert;
  const spell = spellOf(alert);
  const due = REMIND_AFTER_MS.filter((after) => now - spell[0]!.at >= after).length;
  const reminded = Math.max(0, ...spell.map((step) => step.due ?? 0));
  const last = spell.at(-1)!.at;
  const isAnew = newestAt !== null && newestAt > last && now - last >= ANEW_AFTER_MS;
  return due > reminded || isAnew ? withStep(alert, { is: 'reminder', due }, facts) : alert;
}

function withTrouble(alert: Alert, trouble: AlertTrouble, { now }: AlertFacts): Alert {
  const { fingerprint: _, needsPerson: __, newestAt: ___, severity, agent, since, ...words } = trouble;
  const isBack = alert.state === 'over';
  // Figures of a warning change with every look: its words are those that people were told.
  if (!isBack && severity === 'warning' && alert.severity === 'warning') return withIncident(alert, trouble);
  const isSame = !isBack && Object.entries(words).every(([key, value]) => isEqual(alert[key as keyof Alert], value));
  if (isSame && severity === alert.severity) return alert;
  const back = isBack
    ? { state: 'firing' as const, since: Math.min(since, now), endedAt: null, ending: null, returns: alert.returns + 1 }
    : {};
  return { ...alert, ...words, done: [...words.done], severity, ...back };
}

function withIncident(alert: Alert, { incident }: AlertTrouble): Alert {
  return incident === alert.incident ? alert : { ...alert, incident };
}

function withoutTrouble(alert: Alert, facts: AlertFacts): Alert {
  if (alert.state === 'over') return alert;
  const end = facts.endOf(alert);
  return end === undefined
    ? alert
    : { ...alert, state: 'over', endedAt: Math.min(end.at, facts.now), ending: end.words };
}

/** A child stays quiet while its parent holds, and for a moment after that. */
function withQuietEnd(alert: Alert, holding: ReadonlyMap<string, AlertTrouble>, { now }: AlertFacts): Alert {
  const { parent, quietUntil } = alert;
  const hasParent = parent !== null && holding.has(parent);
  if (hasParent) return quietUntil === 'parent' ? alert : { ...alert, quietUntil: 'parent' };
  if (quietUntil === 'parent') return { ...alert, quietUntil: now + CHILD_GRACE_MS };
  return quietUntil !== null && now >= quietUntil ? { ...alert, quietUntil: null } : alert;
}

function settledMs({ returns }: Alert): number {
  return returns === 0 ? 0 : Math.min(LONGEST_SETTLED_MS, SETTLED_MS * 2 ** (returns - 1));
}

function withStep(alert: Alert, step: Pick<AlertStep, 'is' | 'due' | 'silent'>, { now }: AlertFacts): Alert {
  const n = (alert.steps.at(-1)?.n ?? 0) + 1;
  const steps = [...alert.steps, { n, at: now, deliveries: [], ...step }];
  return { ...alert, steps: steps.slice(-MOST_STEPS) };
}

/** The steps since the trouble last began to fire, `firing` first; none after its end was told. */
export function spellOf({ steps }: Pick<Alert, 'steps'>): AlertStep[] {
  const begin = steps.findLastIndex(({ is }) => is === 'firing');
  const end = steps.findLastIndex(({ is }) => is === 'over');
  return begin === -1 || end > begin ? [] : steps.slice(begin);
}

/** Whether people were told that it fires, and not that it is over. */
export function isAnnounced(alert: Pick<Alert, 'steps'>): boolean {
  return spellOf(alert).length > 0;
}

function newAlert({ needsPerson: _, newestAt: __, ...trouble }: AlertTrouble): Alert {
  return {
    ...trouble,
    done: [...trouble.done],
    id: alertId(`${trouble.fingerprint}@${trouble.since}`),
    ...{ state: 'firing', endedAt: null, ending: null, returns: 0, quietUntil: null, steps: [] },
  };
}

/** The id of an alert: the same for the same trouble, also when a host was killed before it was written down. */
export function alertId(of: string): string {
  const hash = (text: string) => (fnv1a(text) >>> 0).toString(36).padStart(7, '0');
  return `al-${hash(of)}${hash(`${of}#`).slice(-3)}`;
}

function isEqual(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
