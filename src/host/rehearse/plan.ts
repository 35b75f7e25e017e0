import { join } from 'node:path';
import type { Listing } from '../../catalog/ports.ts';
import { compileDraft } from '../../catalog/workshop/draft.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobStore } from '../../jobs/ports.ts';
import { Fault } from '../../kernel/fault.ts';
import { agentInForce, listingOf } from '../door/known.ts';
import type { House } from '../house.ts';

/** What is rehearsed for one agent. */
export interface Plan {
  candidate: Candidate;
  /** What is run beside it; undefined: the record stands for the old one. */
  against: Candidate | undefined;
}

export interface Candidate {
  /** With the rights that it has in a rehearsal. */
  agent: Agent;
  /** Outside of a rehearsal. */
  mayWrite: boolean;
}

export interface PlanAsk {
  name: string;
  file?: string;
  against?: string;
}

const PAGE = 100;
const MOST_LOOKED_AT = 1_000;

/** Where the code of `file` lies while it is rehearsed. */
export const draftPlace = (folder: string): string => join(folder, 'data/run/rehearsal');

/** Who is rehearsed, on which code. Rejects with the Fault of a source that cannot even be loaded. */
export async function plansOf(
  house: Pick<House, 'catalog' | 'facts' | 'settings' | 'time'>,
  ask: PlanAsk,
): Promise<Plan[]> {
  const { catalog, facts, settings, time } = house;
  // A file that was saved a moment ago is what is meant.
  await catalog.rescan();
  const place = draftPlace(facts.folder);
  const listings = meant(catalog, ask.name);
  const terms = { time, folder: facts.folder, place, hostTimezone: settings.timezone };
  const draft = ask.file === undefined ? undefined : await compileDraft(listings[0]!.plugin, ask.file, terms);
  const plans: Plan[] = [];
  for (const { name, problem } of listings) {
    agentInForce(catalog, name);
    if (!draft && problem && problem.code !== 'ROLLED_BACK') throw new Fault(problem);
    const { standings } = catalog;
    const agent = draft ? await standings.resolveOn(name, draft) : standings.statesOf(name).wanted;
    const against = ask.against === undefined ? undefined : await standings.resolveOn(name, ask.against);
    plans.push({ candidate: onTrial(agent), against: against && onTrial(against) });
  }
  return plans;
}

/** An agent of that name, or else all agents of the plugin. */
function meant(catalog: House['catalog'], name: string): Listing[] {
  const listings = catalog.listings();
  const ofPlugin = listings.filter((one) => one.plugin === name && catalog.agents().has(one.name));
  if (listings.some((one) => one.name === name) || ofPlugin.length === 0) return [listingOf(catalog, name)];
  return ofPlugin;
}

/** With its rights, but for those that change something: it may read what it could write. */
export function onTrial(agent: Agent): Candidate {
  const { needs, name } = agent;
  if (needs.modules.length > 0) {
    const message = `${name} needs ${needs.modules.join(', ')}, which writes past all rights: it cannot be rehearsed`;
    throw new Fault({ code: 'REHEARSAL_UNFIT', message, next: 'write a test of it: docs/plugins.md, "Test it"' });
  }
  const { read, write } = needs;
  const rights = { ...needs, read: [...read, ...write], write: [] };
  return { agent: { ...agent, needs: rights, workers: { min: 0, max: 1 } }, mayWrite: write.length > 0 };
}

/** The newest jobs that ended under another version, or under any if there are none; oldest first. */
export async function recordsOf(
  store: Pick<JobStore, 'list'>,
  agent: string,
  version: string,
  last: number,
): Promise<Job[]> {
  const others: Job[] = [];
  const own: Job[] = [];
  let before: string | undefined;
  for (let seen = 0; seen < MOST_LOOKED_AT && others.length < last; seen += PAGE) {
    const filter = { agent, states: ['done' as const, 'dead' as const], limit: PAGE };
    const page = await store.list(before === undefined ? filter : { ...filter, before });
    for (const job of page) if (job.startedAt !== null) (job.version === version ? own : others).push(job);
    before = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  return (others.length > 0 ? others : own).slice(0, last).reverse();
}
