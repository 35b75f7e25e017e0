import type { Catalog, Listing } from '../../catalog/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import { shown } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { readInstant } from '../../kernel/instant.ts';
import { suggest } from '../../kernel/suggest.ts';

/** The listing of a name, or a Fault `AGENT_UNKNOWN` with the name that was likely meant. */
export function listingOf(catalog: Pick<Catalog, 'listings'>, name: string): Listing {
  const listings = catalog.listings();
  const found = listings.find((one) => one.name === name);
  if (found) return found;
  const near = suggest(
    name,
    listings.map((one) => one.name),
  );
  throw new Fault({
    code: 'AGENT_UNKNOWN',
    message: `there is no agent ${name}`,
    next: near ? `did you mean ${near}?` : 'daruma agents',
  });
}

/** The agent in force, or a Fault that says why none of that name is. */
export function agentInForce(catalog: Pick<Catalog, 'listings' | 'agents'>, name: string): Agent {
  const listing = listingOf(catalog, name);
  const agent = catalog.agents().get(name);
  if (agent) return agent;
  throw new Fault({
    code: 'AGENT_OFF',
    message: `${name} cannot run: ${listing.problem?.message ?? listing.why}`,
    next: listing.problem?.next ?? 'daruma check',
    ...given({ file: listing.problem?.file, line: listing.problem?.line, column: listing.problem?.column }),
  });
}

/** Epoch ms of an ISO 8601 time, or a Fault `TIME_INVALID`. */
export function instantOf(text: string): number {
  const at = readInstant(text);
  if (typeof at === 'number') return at;
  throw new Fault({
    code: 'TIME_INVALID',
    message: `${shown(text)} ${at}`,
    next: 'give ISO 8601: 2026-11-22T07:00:00Z',
  });
}

/** The agent in force; undefined for one that is only known from its jobs. Faults for an unknown agent or plugin. */
export async function agentInForceOrNot(
  catalog: Pick<Catalog, 'listings' | 'agents'>,
  name: string,
  hasPast: () => Promise<boolean>,
): Promise<Agent | undefined> {
  const agent = catalog.agents().get(name);
  if (agent || catalog.listings().some((one) => one.name === name)) return agent;
  if (!(await hasPast())) listingOf(catalog, name);
  return undefined;
}
