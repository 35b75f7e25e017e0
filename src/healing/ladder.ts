import type { Remedy, RemedyKind, RemedyRecord, Verdict } from './ports.ts';

/** The plain remedies of each verdict, in order; the last one goes on being used when a person or a model is asked. */
export const LADDERS: Record<Verdict, readonly RemedyKind[]> = {
  crashed: ['retry', 'retry', 'retry', 'retry'],
  'out-of-memory': ['retry', 'own-cell', 'retry'],
  'cell-lost': ['retry', 'own-cell', 'retry'],
  'over-limit': ['kill', 'kill', 'kill'],
  stuck: ['kill', 'kill', 'kill'],
  silent: ['kill', 'kill', 'kill'],
  leaking: ['recycle', 'recycle'],
  'children-left': ['kill-children', 'kill-children'],
  'crash-looping': ['quarantine', 'quarantine'],
  late: ['catch-up', 'fresh-worker', 'fresh-worker'],
  pressed: ['shed', 'defer', 'recycle-largest', 'recycle-largest', 'recycle-largest'],
  'disk-short': ['clean-up', 'clean-up', 'clean-up'],
  'host-lost': ['restart-host', 'restart-host'],
  'bad-version': ['roll-back', 'roll-back'],
  'bad-config': ['roll-back', 'roll-back'],
  unscheduled: ['plan-again', 'plan-again'],
  unreadable: ['set-aside', 'set-aside'],
  // With the usual pauses somebody is asked after some ten minutes.
  'failing-over': ['fail-over', 'probe', 'probe', 'probe', 'probe', 'probe', 'probe'],
  // A minute apart: who runs in a ring again and again has to be stopped by somebody.
  looping: ['refuse', 'refuse', 'refuse', 'refuse', 'refuse'],
  // Nothing that a machine may decide: it is written down, with what a person can do.
  'falling-behind': ['escalate'],
};

/** A remedy that was tried so often for a fingerprint and never held is not tried first again. */
const ENOUGH_TRIES = 3;
/** So many incidents of one fingerprint within a day are worth a question, however well each was healed. */
export const SAME_IN_A_DAY = 3;

export interface RemedyPlan {
  kind: RemedyKind;
  /** Why a person or a model is to be asked as well; null: no need. */
  escalate: string | null;
}

export interface PlanFacts {
  verdict: Verdict;
  /** Remedies of this incident so far; none of them held. Those of another verdict, before it turned out worse, do not count. */
  tried: readonly Remedy[];
  /** The ledger of the fingerprint. */
  records: readonly RemedyRecord[];
  /** Incidents of the same fingerprint within the last day, this one not counted. */
  sameToday: number;
  /** Whether the fault is one of the known kinds. */
  known: boolean;
}

/** The next remedy, one rung above what was tried, and whether to ask somebody. Every plan has a remedy: it is never given up. */
export function planRemedy({ verdict, tried, records, sameToday, known }: PlanFacts): RemedyPlan {
  const ladder = LADDERS[verdict];
  const above = rungAbove(ladder, tried);
  const isHopeless = (kind: RemedyKind) =>
    records.some((record) => record.kind === kind && record.tried >= ENOUGH_TRIES && record.held === 0);
  const better = ladder.findIndex((kind, at) => at >= above && !isHopeless(kind));
  const kind = ladder[better === -1 ? Math.min(above, ladder.length - 1) : better]!;
  if (above >= ladder.length) return { kind, escalate: 'its remedies did not hold' };
  if (!known) return { kind, escalate: 'a fault of an unknown kind' };
  if (above === 0 && sameToday >= SAME_IN_A_DAY)
    return { kind, escalate: `the same came ${sameToday + 1} times within a day` };
  return { kind, escalate: null };
}

/** The first rung that was not tried; the ladder's length when all were. */
function rungAbove(ladder: readonly RemedyKind[], tried: readonly Remedy[]): number {
  let above = 0;
  for (const { kind } of tried) {
    if (!ladder.includes(kind)) continue;
    const rung = ladder.indexOf(kind, above);
    above = rung === -1 ? ladder.length : rung + 1;
  }
  return above;
}
