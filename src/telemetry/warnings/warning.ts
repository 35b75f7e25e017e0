import { MINUTE_MS } from '../../kernel/measures.ts';

/** How certain a warning is. `rising`: shown · `leaking`: told · `due`: acted on by healing, whose incident tells it. */
export type WarningWord = 'rising' | 'leaking' | 'due';

/** The quantity that a warning is about. `difference`: memory of a version beside the version before it. */
type WarningQuantity =
  | 'memory'
  | 'duration'
  | 'errors'
  | 'wait'
  | 'disk'
  | 'wal'
  | 'logs'
  | 'pool'
  | 'spend'
  | 'difference';

/** A sign of trouble to come, while it lasts. */
export interface Warning {
  /** `memory:shop`, `disk:host`: at most one warning each. */
  fingerprint: string;
  /** null: the host, or all agents together. */
  agent: string | null;
  quantity: WarningQuantity;
  word: WarningWord;
  /** When it was first seen, whatever its word was then; epoch ms. */
  since: number;
  /** A sentence with figures and the limit, without the time that is left. */
  text: string;
  /** The next command or step. */
  next: string;
  /** When the limit is reached, epoch ms; null: it is not known, or there is no limit. */
  hitsAt: number | null;
  /** The process, agent or version that causes it, where that is known. */
  culprit?: string;
}

/** A warning as a look sees it: the set of current warnings knows since when. */
export type SeenWarning = Omit<Warning, 'since'>;

/** A warning that began, got a more certain word, or is over. */
export interface WarningChange {
  is: WarningWord | 'over';
  warning: Warning;
}

/** A current warning as the set keeps it. */
export interface KeptWarning extends Warning {
  /** When it was last seen, epoch ms. */
  seenAt: number;
  /** The most certain word that was told of it. */
  reported: WarningWord;
}

const CERTAINTY: Record<WarningWord, number> = { rising: 0, leaking: 1, due: 2 };
/** A warning that is not seen for so long is over: figures at an edge come and go. Incidents of healing know their own end. */
const OVER_AFTER_MS = 15 * MINUTE_MS;

/**
 * The current warnings after a look, ordered by certainty and then by fingerprint, and what changed. Of several warnings of one fingerprint the most certain
 * counts. A word is told once in the life of a warning: to get less certain, and certain again, is no change.
 */
export function stepWarnings(
  before: readonly KeptWarning[],
  seen: readonly SeenWarning[],
  now: number,
): { current: KeptWarning[]; changes: WarningChange[] } {
  const known = new Map(before.map((one) => [one.fingerprint, one]));
  const found = new Map<string, KeptWarning>();
  for (const one of [...seen].sort((a, b) => CERTAINTY[a.word] - CERTAINTY[b.word])) {
    const { since = now, reported = one.word } = known.get(one.fingerprint) ?? {};
    found.set(one.fingerprint, {
      ...one,
      since,
      seenAt: now,
      reported: CERTAINTY[one.word] > CERTAINTY[reported] ? one.word : reported,
    });
  }
  const changes: WarningChange[] = [];
  for (const kept of found.values()) {
    const was = known.get(kept.fingerprint);
    if (kept.reported !== was?.reported) changes.push({ is: kept.word, warning: asWarning(kept) });
  }
  for (const was of before) {
    if (found.has(was.fingerprint)) continue;
    if (was.word !== 'due' && now - was.seenAt < OVER_AFTER_MS) found.set(was.fingerprint, was);
    else changes.push({ is: 'over', warning: asWarning(was) });
  }
  const current = [...found.values()].sort(
    (a, b) => CERTAINTY[b.word] - CERTAINTY[a.word] || (a.fingerprint < b.fingerprint ? -1 : 1),
  );
  return { current, changes };
}

/** The warning without what only the set needs. */
export function asWarning({ seenAt: _, reported: __, ...warning }: KeptWarning): Warning {
  return warning;
}

/** `memory:shop`; the host is `host`. */
export function fingerprintOfWarning(quantity: WarningQuantity, agent: string | null): string {
  return `${quantity}:${agent ?? 'host'}`;
}
