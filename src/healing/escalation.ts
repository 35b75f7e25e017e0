import { DAY_MS } from '../kernel/measures.ts';

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
