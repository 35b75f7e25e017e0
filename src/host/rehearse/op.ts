import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RehearsedView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { openSandbox } from '../../sandbox/sandbox.ts';
import type { OpCall, OpTable } from '../api/handlers.ts';
import type { HostContext } from '../host-context.ts';
import { draftPlace, plansOf, type RehearsalPlan } from './plan.ts';
import { rehearse } from './rehearse.ts';

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
        const ask = { name, ...(file === undefined ? {} : { file }), ...(against === undefined ? {} : { against }) };
        const plans = await plansOf(hostContext, ask);
        const jobs = await rehearseAll(plans, { last, live }, call);
        const rehearsed = plans.map(({ candidate: { agent }, against: other }) => ({
          agent: agent.name,
          version: agent.version.id,
          against: other?.agent.version.id ?? null,
          file: file ?? null,
        }));
        return { agents: rehearsed, live, jobs };
      } finally {
        rmSync(draftPlace(folder), { recursive: true, force: true });
        isBusy = false;
      }
    },
  };
}
