import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInputCheck } from '../../catalog/files/input-check.ts';
import type { Agent } from '../../jobs/agent.ts';
import { Fault } from '../../kernel/fault.ts';
import { openSandbox } from '../../sandbox/sandbox.ts';
import { toJson } from '../../workers/inside/json.ts';
import { mustTakeJobs } from '../always-agents.ts';
import type { OpTable } from '../api/handlers.ts';
import { agentInForce, listingOf } from '../api/known.ts';
import type { HostContext } from '../host-context.ts';
import { withoutWrites } from './op.ts';
import { rehearsedRun } from './rehearse.ts';

/**
 * The operation that shows what a job would do: one attempt in a sandbox, behind the fence of a rehearsal. Nothing of the attempt gets out, and no job
 * is kept. Agents that are off can be asked, too: that is when somebody wants to know. A host does one dry run at a time.
 */
export function dryRunOp(hostContext: HostContext): Pick<OpTable, 'dryRun'> {
  const { time, store, catalog, fleet, facts, setup } = hostContext;
  const inputCheck = createInputCheck();
  let isBusy = false;

  async function attempt(agent: Agent, { input, live }: { input: string | null; live: boolean }, gone: AbortSignal) {
    const { folder } = facts;
    const sandbox = await openSandbox(time, { folder, emptyFolder: join(folder, 'data/run/empty') });
    const leave = () => void sandbox.close();
    gone.addEventListener('abort', leave);
    try {
      const { values, missing } = standInsFor(setup.secrets, agent);
      const needs = {
        time,
        store,
        agents: catalog.agents,
        fleet,
        folder,
        sandbox,
        secrets: { ...setup.secrets, values },
      };
      const at = time.now();
      const job = {
        ...{ id: `dry-${randomUUID()}`, attempt: 1, attempts: 1, trigger: 'manual' as const, slot: null },
        ...{ input, queuedAt: at, runAt: at, startedAt: null },
      };
      const side = await rehearsedRun(needs, withoutWrites(agent), { job, recorded: [] }, { live, gone, dryRun: true });
      return { agent: agent.name, live, standIns: missing, ...side };
    } finally {
      gone.removeEventListener('abort', leave);
      await sandbox.close();
    }
  }

  return {
    async dryRun({ agent: name, input, live }, { gone }) {
      if (isBusy)
        throw new Fault({ code: 'REHEARSAL_BUSY', message: 'a dry run is under way already', next: 'wait for it' });
      isBusy = true;
      try {
        // A file that was saved a moment ago is what is meant.
        await catalog.rescan();
        const isOff = listingOf(catalog, name).is === 'off';
        const agent = (isOff ? await catalog.switchedOff(name) : undefined) ?? agentInForce(catalog, name);
        mustTakeJobs(agent);
        const given = input === undefined ? null : toJson(input, 'the input', 'input');
        const wrong = inputCheck(agent, given);
        if (wrong) throw new Fault(wrong);
        return await attempt(agent, { input: given, live }, gone);
      } finally {
        isBusy = false;
      }
    },
  };
}

/** The secrets of an agent: a secret that is missing gets a value that is a URL as well as a text, and leads nowhere. */
function standInsFor(secrets: HostContext['setup']['secrets'], agent: Agent) {
  const only = (name: string): Agent => ({ ...withoutHook(agent), needs: { ...agent.needs, secrets: [name] } });
  const missing = agent.needs.secrets.filter((name) => secrets.missing(only(name)) !== undefined);
  const found = agent.needs.secrets.filter((name) => !missing.includes(name));
  return {
    missing,
    values: () => ({
      ...secrets.values({ ...withoutHook(agent), needs: { ...agent.needs, secrets: found } }),
      ...Object.fromEntries(missing.map((name) => [name, `https://dry-run.invalid/${name}`])),
    }),
  };
}

/** The secret that deliveries are signed with is asked of no worker. */
function withoutHook({ webhook: _, ...agent }: Agent): Agent {
  return agent;
}
