import { isoOrNull } from '../kernel/instant.ts';

/** An event about the pause of an agent, as every store writes it with the change itself. */
interface PauseEvent {
  at: number;
  kind: 'agent.paused' | 'agent.resumed';
  agent: string;
  message: string;
  data?: { until: string | null };
}

/** The event of a pause that a person began. `since`, `until`: epoch ms; `until` null: without end. */
export function pausedEvent(agent: string, { since, until }: { since: number; until: number | null }): PauseEvent {
  const end = isoOrNull(until);
  const message = `${agent} is paused${end ? ` until ${end}` : ''}`;
  return { at: since, kind: 'agent.paused', agent, message, data: { until: end } };
}

/** The event of a pause that a person ended. */
export function resumedEvent(agent: string, at: number): PauseEvent {
  return { at, kind: 'agent.resumed', agent, message: `${agent} goes on` };
}
