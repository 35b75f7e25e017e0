import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { compileDraft } from '../../catalog/builder/draft.ts';
import type { Listing } from '../../catalog/ports.ts';
import type { RehearsedView } from '../../control/protocol.ts';
import type { Agent } from '../../jobs/agent.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { openSandbox } from '../../sandbox/sandbox.ts';
import { mustTakeJobs } from '../always-agents.ts';
import type { OpCall, OpTable } from '../api/handlers.ts';
import { agentInForce, listingOf } from '../api/known.ts';
import type { HostContext } from '../host-context.ts';
import { type RehearsalPlan, type RehearsedAgent, rehearse } from './rehearse.ts';

/** The operation that rehearses. A host does one rehearsal at a time: each has a sandbox of its own. */
export function rehearseOp(hostContext: HostContext): Pick<OpTable, 'rehearse'> {
  const { time, store, catalog, fleet, facts } = hostContext;
  const { folder } = facts;
  const agents = () => catalog.agents();
  const needs = { time, store, agents, fleet, folder, secrets: hostContext.setup.secrets };
  let isBusy = false;

  /** Rehearses each plan after the other; sends each job as soon as it was rehearsed. */
  async function rehearseAll(
    plans: readonly RehearsalPlan[],
    terms: { last: number; live: boolean },
    { item, gone }: OpCall<RehearsedView>,
  ): Promise<RehearsedView[]> {
    const sandbox = await openSandbox(time, { folder, emptyFolder: join(folder, 'data/run/empty') });
    // A client that is gone needs no end of the attempt that runs.
    const leave = () => void sandbox.close();
    gone.addEventListener('abort', leave);
    const jobs: RehearsedView[] = [];
    try {
      for (const plan of plans) {
        for await (const job of rehearse({ ...needs, sandbox }, plan, { ...terms, gone })) {
          jobs.push(job);
          item(job);
        }
      }
      return jobs;
    } finally {
      gone.removeEventListener('abort', leave);
      await sandbox.close();
    }
  }

  return {
    async rehearse({ name, last, file, against, live }, call) {
      if (isBusy) {
        throw new Fault({ code: 'REHEARSAL_BUSY', message: 'a rehearsal is under way already', next: 'wait for it' });
      }
      isBusy = true;
      try {
        const ask = { name, ...given({ file, against }) };
        const plans = await plansOf(hostContext, ask);
        const jobs = await rehearseAll(plans, { last, live }, call);
        const agents = plans.map(({ rehearsed: { agent }, against: other }) => ({
          agent: agent.name,
          version: agent.version.id,
          against: other?.agent.version.id ?? null,
          file: file ?? null,
        }));
        return { agents, live, jobs };
      } finally {
        rmSync(draftPlace(folder), { recursive: true, force: true });
        isBusy = false;
      }
    },
  };
}

interface PlanAsk {
  name: string;
  file?: string;
  against?: string;
}

/** The folder for the compiled code of `file` while it is rehearsed. */
const draftPlace = (folder: string): string => join(folder, 'data/run/rehearsal');

/** The agents that are rehearsed, each on its code. Rejects with the Fault of a source that cannot even be loaded. */
async function plansOf(
  hostContext: Pick<HostContext, 'catalog' | 'facts' | 'settings' | 'time'>,
  ask: PlanAsk,
): Promise<RehearsalPlan[]> {
  const { catalog, facts, settings, time } = hostContext;
  // A file that was saved a moment ago is what is meant.
  await catalog.rescan();
  const place = draftPlace(facts.folder);
  const listings = agentsNamed(catalog, ask.name);
  const terms = { time, folder: facts.folder, place, hostTimezone: settings.timezone };
  const draft = ask.file === undefined ? undefined : await compileDraft(listings[0]!.plugin, ask.file, terms);
  const plans: RehearsalPlan[] = [];
  for (const { name, problem } of listings) {
    mustTakeJobs(agentInForce(catalog, name));
    if (!draft && problem && problem.code !== 'ROLLED_BACK') throw new Fault(problem);
    const { rollouts } = catalog;
    const agent = draft ? await rollouts.resolveOn(name, draft) : rollouts.statesOf(name).wanted;
    const against = ask.against === undefined ? undefined : await rollouts.resolveOn(name, ask.against);
    plans.push({ rehearsed: withoutWrites(agent), against: against && withoutWrites(against) });
  }
  return plans;
}

/** An agent of that name, or else all agents of the plugin. */
function agentsNamed(catalog: HostContext['catalog'], name: string): Listing[] {
  const listings = catalog.listings();
  const ofPlugin = listings.filter((one) => one.plugin === name && catalog.agents().has(one.name));
  if (listings.some((one) => one.name === name) || ofPlugin.length === 0) return [listingOf(catalog, name)];
  return ofPlugin;
}

/** The agent with its rights, but for those that change something: where it may write it may only read. Throws `REHEARSAL_UNFIT`. */
export function withoutWrites(agent: Agent): RehearsedAgent {
  const { needs, name } = agent;
  if (needs.modules.length > 0) {
    const message = `${name} needs ${needs.modules.join(', ')}, which writes past all rights: it cannot be rehearsed`;
    throw new Fault({ code: 'REHEARSAL_UNFIT', message, next: 'write a test of it: docs/plugins.md, "Test it"' });
  }
  const { read, write } = needs;
  const rights = { ...needs, read: [...read, ...write], write: [] };
  return { agent: { ...agent, needs: rights, workers: { min: 0, max: 1 } }, mayWrite: write.length > 0 };
}
