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

/** The class of an agent: `normal` unless its file or its plugin says otherwise. */
export function classOf(agent: Pick<Agent, 'class'>): AgentClass {
  return agent.class ?? 'normal';
}
