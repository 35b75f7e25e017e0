import type { Needs } from '../plugin/define.ts';
import type { Agent } from './agent.ts';

/** The needs that are rights, in the order in which people are told of them: all there are. */
const RIGHTS = [
  'secrets',
  'exec',
  'kill',
  'net',
  'write',
  'read',
  'modules',
  'env',
  'fleet',
  'llm',
] as const satisfies (keyof Needs)[];

type Right = (typeof RIGHTS)[number];

/**
 * The rights of an agent, by name. Threads of one process can take everything from one another, whatever flags they have, so
 * agents share a cell only when neither has anything: an agent with any right has a cell of its own.
 */
export function rightsOf({ needs }: Pick<Agent, 'needs'>): Right[] {
  return RIGHTS.filter((right) => {
    const value = needs[right];
    return Array.isArray(value) ? value.length > 0 : value !== false && value !== undefined;
  });
}

/** In words, for people: `isolation: shared` that cannot be kept; undefined where it can. */
export function unsharedReason(agent: Pick<Agent, 'needs'>): string | undefined {
  const rights = rightsOf(agent);
  return rights.length > 0 ? `it has rights that others lack (${rights.join(', ')})` : undefined;
}
