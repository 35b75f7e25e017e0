import type { Agent, AgentClass } from './agent.ts';

/**
 * How long after others of its time an agent of each class has its turn, in ms. An agent that has waited so much longer than
 * one of a higher class comes first all the same: that is the ageing, by which no class waits for ever.
 */
export const CLASS_DELAY_MS: Readonly<Record<AgentClass, number>> = {
  critical: 0,
  normal: 30_000,
  background: 300_000,
};

/** An agent that waits for its turn. */
export interface WaitingAgent {
  agent: string;
  class: AgentClass;
  /** Since when it waits for this turn, in ms of any one clock; not the age of its jobs: a long queue is no right to more turns. */
  since: number;
}

/** The class of an agent: `normal` unless its file or its plugin says otherwise. */
export function classOf(agent: Pick<Agent, 'class'>): AgentClass {
  return agent.class ?? 'normal';
}

/**
 * The agents in the order of their turns: by the time at which each has waited for as long as its class has to. An agent
 * that begins to wait after that time comes after it, whatever its class, so that only those overtake it that are there before.
 */
export function inTurn<Waiting extends WaitingAgent>(waiting: Iterable<Waiting>): Waiting[] {
  return [...waiting].sort(
    (a, b) =>
      turnOf(a) - turnOf(b) || CLASS_DELAY_MS[a.class] - CLASS_DELAY_MS[b.class] || (a.agent < b.agent ? -1 : 1),
  );
}

/** The time of an agent's turn, by the clock of `since`. */
export function turnOf({ class: named, since }: Pick<WaitingAgent, 'class' | 'since'>): number {
  return since + CLASS_DELAY_MS[named];
}
