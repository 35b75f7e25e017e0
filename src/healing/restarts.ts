import { type Budget, NOTHING_SPENT, prove, type Spending, spend } from '../kernel/budget.ts';
import type { Time } from '../kernel/time.ts';

/** The restart budget of each agent. */
interface Restarts {
  /** One more end; when the budget is spent by it: by how many ends, within how long. It is full again after that. */
  ended(agent: string): { counted: number; withinMs: number } | undefined;
  /** A job that began after the newest end was done. */
  proven(agent: string): void;
  /** The budget is full again: the agent is another one now. */
  forget(agent: string): void;
}

export function createRestarts(time: Pick<Time, 'monotonic'>, budget: Budget): Restarts {
  const spendings = new Map<string, Spending>();
  return {
    ended(agent) {
      const now = time.monotonic();
      const { after, spent, counted } = spend(spendings.get(agent) ?? NOTHING_SPENT, now, budget);
      spendings.set(agent, after);
      if (!spent) return undefined;
      spendings.delete(agent);
      return { counted, withinMs: now - after.ends.at(-counted)! };
    },
    proven(agent) {
      const spending = spendings.get(agent);
      if (spending) spendings.set(agent, prove(spending));
    },
    forget: (agent) => void spendings.delete(agent),
  };
}
