import { join } from 'node:path';
import { compileDraft } from '../../catalog/builder/draft.ts';
import type { Listing } from '../../catalog/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { Fault } from '../../kernel/fault.ts';
import { agentInForce, listingOf } from '../api/known.ts';
import type { HostContext } from '../host-context.ts';

/** What is rehearsed for one agent. */
export interface RehearsalPlan {
  candidate: RehearsalCandidate;
  /** What is run beside it; undefined: the record stands for the old one. */
  against: RehearsalCandidate | undefined;
}

export interface RehearsalCandidate {
  /** With the rights that it has in a rehearsal. */
  agent: Agent;
  /** Outside of a rehearsal. */
  mayWrite: boolean;
}

interface PlanAsk {
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
  hostContext: Pick<HostContext, 'catalog' | 'facts' | 'settings' | 'time'>,
  ask: PlanAsk,
): Promise<RehearsalPlan[]> {
  const { catalog, facts, settings, time } = hostContext;
  // A file that was saved a moment ago is what is meant.
  await catalog.rescan();
  const place = draftPlace(facts.folder);
  const listings = meant(catalog, ask.name);
  const terms = { time, folder: facts.folder, place, hostTimezone: settings.timezone };
  const draft = ask.file === undefined ? undefined : await compileDraft(listings[0]!.plugin, ask.file, terms);
  const plans: RehearsalPlan[] = [];
  for (const { name, problem } of listings) {
    agentInForce(catalog, name);
    if (!draft && problem && problem.code !== 'ROLLED_BACK') throw new Fault(problem);
    const { rollouts } = catalog;
    const agent = draft ? await rollouts.resolveOn(name, draft) : rollouts.statesOf(name).wanted;
    const against = ask.against === undefined ? undefined : await rollouts.resolveOn(name, ask.against);
    plans.push({ candidate: onProbation(agent), against: against && onProbation(against) });
  }
  return plans;
}

/** An agent of that name, or else all agents of the plugin. */
function meant(catalog: HostContext['catalog'], name: string): Listing[] {
  const listings = catalog.listings();
  const ofPlugin = listings.filter((one) => one.plugin === name && catalog.agents().has(one.name));
  if (listings.some((one) => one.name === name) || ofPlugin.length === 0) return [listingOf(catalog, name)];
  return ofPlugin;
}

/** With its rights, but for those that change something: it may read what it could write. */
function onProbation(agent: Agent): RehearsalCandidate {
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
  store: Pick<JobRecords, 'list'>,
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
