import { isoOrNull } from '../kernel/instant.ts';
import { subject } from '../kernel/subjects.ts';

/** An event about the pause of an agent, as every store writes it with the change itself. */
interface PauseEvent {
  at: number;
  kind: 'agent.paused' | 'agent.resumed';
  agent: string;
  message: string;
  data?: { until: string | null };
  who: string | null;
  about: string[];
  cameOf?: string[];
}

interface Paused {
  /** Epoch ms. */
  since: number;
  /** Epoch ms; null: without end. */
  until: number | null;
  /** The person or program that paused the agent; undefined: not known. */
  who?: string | undefined;
}

/** The event of a pause that a person began. */
export function pausedEvent(agent: string, { since, until, who }: Paused): PauseEvent {
  const end = isoOrNull(until);
  const about = [subject.pause(agent)];
  const message = `${agent} is paused${end ? ` until ${end}` : ''}`;
  return { at: since, kind: 'agent.paused', agent, message, data: { until: end }, who: who ?? null, about };
}

/** The event of a pause that a person ended. */
export function resumedEvent(agent: string, at: number, who: string | null = null): PauseEvent {
  const about = [subject.pause(agent)];
  return { at, kind: 'agent.resumed', agent, message: `${agent} goes on`, who, about, cameOf: about };
}
