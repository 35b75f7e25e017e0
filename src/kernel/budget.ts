/** How often something may end unwell: Erlang's restart intensity, without a single poisoned piece of work. */
export interface Budget {
  /** More ends than this within the period, with no proof of health in between, are too many. */
  allowed: number;
  /** More than this are too many whatever was proven in between. */
  allowedInAll: number;
  withinMs: number;
}

/** The ends that still count, oldest first, in monotonic ms. */
export interface BudgetUse {
  ends: readonly number[];
  /** How many of the newest have come since the latest proof. */
  unproven: number;
}

/** A budget of which nothing is used. */
export const EMPTY_BUDGET_USE: BudgetUse = { ends: [], unproven: 0 };

/** Adds an end at `at`. `spent`: the budget is used up, and `counted` says by how many ends. */
export function spend(
  before: BudgetUse,
  at: number,
  budget: Budget,
): { after: BudgetUse; spent: boolean; counted: number } {
  const all = [...before.ends, at];
  const ends = all.filter((end) => at - end < budget.withinMs).slice(-(budget.allowedInAll + 1));
  const unproven = Math.min(before.unproven + 1, ends.length);
  const after = { ends, unproven };
  if (unproven > budget.allowed) return { after, spent: true, counted: unproven };
  return { after, spent: ends.length > budget.allowedInAll, counted: ends.length };
}

/** Work that began after the newest end was done: the ends before it do not add up to a loop. */
export function prove(before: BudgetUse): BudgetUse {
  return { ends: before.ends, unproven: 0 };
}
