import { LATE_AFTER_MS } from '../schedule/decide.ts';

export interface LateWork {
  agent: string;
  /** Epoch ms. */
  due: number;
  /** `slot`: planned and never looked at · `job`: queued, and no worker of its agent is at work. */
  what: 'slot' | 'job';
}

interface LateFacts {
  /** The next planned slot of each agent. */
  slots: readonly { agent: string; due: number }[];
  /** When each agent's next job is due. */
  jobs: readonly { agent: string; nextAt: number }[];
  /** Agents whose work is held up on purpose (paused, quarantined, off) or that are at work just now. */
  isExempt(agent: string): boolean;
  now: number;
}

/** Slots and jobs that should have begun by now, at most one for each agent: the oldest. */
export function overdue({ slots, jobs, isExempt, now }: LateFacts): LateWork[] {
  const found = new Map<string, LateWork>();
  const all: LateWork[] = [
    ...slots.map(({ agent, due }) => ({ agent, due, what: 'slot' as const })),
    ...jobs.map(({ agent, nextAt }) => ({ agent, due: nextAt, what: 'job' as const })),
  ];
  for (const one of all) {
    if (now - one.due <= LATE_AFTER_MS || isExempt(one.agent)) continue;
    const known = found.get(one.agent);
    if (!known || one.due < known.due) found.set(one.agent, one);
  }
  return [...found.values()];
}

/** Agents that were overdue at the look before as well: a machine that wakes from sleep gets one look to catch up by itself. */
export function stillOverdue(now: readonly LateWork[], before: readonly LateWork[]): LateWork[] {
  return now.filter((one) => before.some(({ agent, due }) => agent === one.agent && due === one.due));
}
