import { DAY_MS } from '../kernel/measures.ts';
import type { Action, Observed, Remedy, RemedyKind, RemedyRecord, Verdict } from './ports.ts';

/** How one verdict is answered. */
interface VerdictResponse {
  /**
   * The remedies that other rooms carry out by themselves each time, in this order; the last one goes on. Empty: only healing
   * acts.
   */
  observed: readonly Observed[];
  /** How often that gets its chance before healing acts … */
  before: number;
  /** … with these actions, one each time that what was done before did not hold … */
  ladder: readonly Action[];
  /** … and how often again, before a person or a model is asked. */
  after: number;
}

const RETRY: Observed = { kind: 'retry', by: 'jobs' };
const KILL: Observed = { kind: 'kill', by: 'workers' };
const PROBE: Observed = { kind: 'probe', by: 'origins' };

/** Healing acts, and asks a person when its actions did not hold. The last action goes on being used. */
const ladderOf = (...ladder: Action[]): VerdictResponse => ({ observed: [], before: 0, ladder, after: 0 });

/** Other rooms act; healing asks a person when their remedies failed this many times. */
const leaves = (times: number, ...observed: Observed[]): VerdictResponse => ({
  observed,
  before: times,
  ladder: [],
  after: 0,
});

/** The plain response to each verdict. */
export const RESPONSES: Record<Verdict, VerdictResponse> = {
  crashed: leaves(4, RETRY),
  'out-of-memory': { observed: [RETRY], before: 1, ladder: ['own-cell'], after: 1 },
  'cell-lost': { observed: [RETRY], before: 1, ladder: ['own-cell'], after: 1 },
  'over-limit': leaves(3, KILL),
  stuck: leaves(3, KILL),
  silent: leaves(3, KILL),
  leaking: ladderOf('recycle', 'recycle'),
  'children-left': leaves(2, { kind: 'kill-children', by: 'exec' }),
  'crash-looping': ladderOf('quarantine', 'quarantine'),
  late: ladderOf('catch-up', 'fresh-worker', 'fresh-worker'),
  // A remedy for each rung: see pressure/rungs.ts.
  pressed: leaves(6, { kind: 'relieve', by: 'pressure' }),
  'disk-short': ladderOf('clean-up', 'clean-up', 'clean-up'),
  'host-lost': leaves(2, { kind: 'restart-host', by: 'guardian' }),
  'bad-version': leaves(2, { kind: 'roll-back', by: 'rollout' }),
  'bad-config': leaves(2, { kind: 'roll-back', by: 'config' }),
  unscheduled: ladderOf('plan-again', 'plan-again'),
  unreadable: leaves(2, { kind: 'set-aside', by: 'store' }),
  // With the usual pauses a person is asked after some ten minutes.
  'failing-over': leaves(7, { kind: 'fail-over', by: 'origins' }, PROBE),
  // A minute apart: a person has to stop an agent that loops again and again.
  looping: leaves(5, { kind: 'refuse', by: 'jobs' }),
  // No action: the incident says what a person can do.
  'falling-behind': leaves(0),
};

/** A remedy that was tried so often for a fingerprint and never held is not tried first again. */
const ENOUGH_TRIES = 3;
/** After this many incidents of one fingerprint within a day healing asks a person, however well each was healed. */
export const SAME_IN_A_DAY = 3;

/** A step of the ladder: an action of healing, a remedy of another room, or nothing. */
type Step = { action: Action } | { observed: Observed } | null;

interface RemedyPlan {
  step: Step;
  /** Why a person or a model is to be asked as well; null: no need. */
  escalate: string | null;
}

interface PlanFacts {
  verdict: Verdict;
  /** Remedies of this incident so far; none of them held. Remedies for the verdict that it had before do not count. */
  tried: readonly Pick<Remedy, 'kind'>[];
  /** The remedy statistics of the fingerprint. */
  records: readonly RemedyRecord[];
  /** Incidents of the same fingerprint within the last day, this one not counted. */
  sameToday: number;
  /** Whether the fault is one of the known kinds. */
  known: boolean;
}

/**
 * The next step, one above the remedies that were tried, and whether to ask a person. A response that has a step never runs
 * out of steps.
 */
export function planRemedy({ verdict, tried, records, sameToday, known }: PlanFacts): RemedyPlan {
  const steps = stepsOf(RESPONSES[verdict]);
  const kinds = steps.map(kindOf);
  const above = stepAbove(kinds, tried);
  const better = kinds.findIndex((kind, at) => at >= above && !isHopeless(kind, records));
  const step = steps[better === -1 ? Math.min(above, steps.length - 1) : better] ?? null;
  if (step !== null && above >= steps.length) return { step, escalate: 'its remedies did not hold' };
  if (!known) return { step, escalate: 'a fault of an unknown kind' };
  if (above === 0 && sameToday >= SAME_IN_A_DAY)
    return { step, escalate: `the same came ${sameToday + 1} times within a day` };
  return { step, escalate: null };
}

/** Whether a remedy was tried so often for a cause that nobody tries it first again. */
export function isHopeless(kind: RemedyKind, records: readonly RemedyRecord[]): boolean {
  return records.some((record) => record.kind === kind && record.tried >= ENOUGH_TRIES && record.held === 0);
}

/** The steps of a response in order. */
export function stepsOf({ observed, before, ladder, after }: VerdictResponse): NonNullable<Step>[] {
  const left = (from: number, times: number) =>
    Array.from({ length: times }, (_, at) => ({ observed: observed[Math.min(from + at, observed.length - 1)]! }));
  return [...left(0, before), ...ladder.map((action) => ({ action })), ...left(before, after)];
}

/** The name of a step in the record. */
export function kindOf(step: NonNullable<Step>): RemedyKind {
  return 'action' in step ? step.action : step.observed.kind;
}

/** The first step that was not tried; the number of steps when all were. */
function stepAbove(kinds: readonly RemedyKind[], tried: PlanFacts['tried']): number {
  let above = 0;
  for (const { kind } of tried) {
    if (!kinds.includes(kind)) continue;
    const at = kinds.indexOf(kind, above);
    above = at === -1 ? kinds.length : at + 1;
  }
  return above;
}

/** Questions to a person or a model, at most so many in any 24 hours. */
export interface EscalationBudget {
  /** Epoch ms of the latest ones. */
  asked: readonly number[];
  perDay: number;
}

/** Whether one more may be asked at `now`, and the budget after it. A clock that was set back forgets what lies ahead of it. */
export function spendEscalation(budget: EscalationBudget, now: number): { may: boolean; after: EscalationBudget } {
  const asked = budget.asked.filter((at) => at <= now && now - at < DAY_MS);
  const may = asked.length < budget.perDay;
  return { may, after: { ...budget, asked: may ? [...asked, now] : asked } };
}
