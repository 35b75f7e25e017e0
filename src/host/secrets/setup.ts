import { originPlace } from '../../catalog/agent-notes.ts';
import type { Catalog } from '../../catalog/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { Placement } from '../../jobs/placement.ts';
import { rightsOf, unsharedReason } from '../../jobs/rights.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { Journal } from '../../telemetry/journal.ts';
import type { HostBus } from '../bus.ts';
import type { MountWatch } from '../mounts/watch.ts';
import { createSecrets, type Secrets, secretNamesOf } from './secrets.ts';

/**
 * Agents whose set-up is not complete: a secret that they declare is not there, or a file system does not answer. No worker of theirs is started and no job
 * claimed, slots end as skipped with the reason; the agents go on by themselves when the secret appears. Fences that do not
 * hold count as well, for agents with rights.
 */
export interface Setup {
  /** The service that looks for secrets again. */
  service: Service;
  secrets: Secrets;
  /** The set of agents in force has changed. */
  use(): void;
  /** The secret that the agent in force lacks, and since when (epoch ms); undefined: it has all that it declares. */
  lacks(agent: string): { since: number; fault: PlainFault } | undefined;
  /** From now on agents with rights lack the fences that they need: for as long as this host lives. */
  unfenced(fault: PlainFault): void;
  /** Whether this state of an agent has all that it declares. */
  isReady(agent: Agent): boolean;
  /** Secrets that agents in force lack; with a note where the placement is the good state before. */
  problems(placements: { of(agent: string): Pick<Placement, 'agent'> | undefined }): PlainFault[];
  notes(): PlainFault[];
}

interface SetupNeeds {
  time: Time;
  journal: Pick<Journal, 'child' | 'hide'>;
  folder: string;
  catalog: Pick<Catalog, 'agents' | 'origins'>;
  bus: Pick<HostBus, 'emit'>;
  /** Why an agent that asks models cannot start yet. */
  lacksModels(agent: Agent): PlainFault | undefined;
  mounts: Pick<MountWatch, 'lacks' | 'use'>;
  env?: NodeJS.ProcessEnv;
}

export function createSetup(needs: SetupNeeds): Setup {
  const { time, journal, folder, catalog, env } = needs;
  const log = journal.child('secrets');
  /** Since when the host sees that an agent lacks something, epoch ms. */
  let fenceFault: PlainFault | undefined;
  const lackingSince = new Map<string, number>();
  const secrets = createSecrets({ time, log, folder, changed, ...given({ env }) });

  function changed(names: ReadonlySet<string>) {
    journal.hide(secrets.seen());
    const agents = [...catalog.agents().values()].filter((agent) =>
      secretNamesOf(agent).some((name) => names.has(name)),
    );
    needs.bus.emit(
      'secrets.changed',
      agents.map(({ name }) => name),
    );
  }

  function lackOf(agent: Agent): PlainFault | undefined {
    if (fenceFault && rightsOf(agent).length > 0) return fenceFault;
    return secrets.missing(agent) ?? needs.lacksModels(agent) ?? needs.mounts.lacks(agent);
  }

  function lacks(name: string) {
    const agent = catalog.agents().get(name);
    const fault = agent && lackOf(agent);
    if (!fault) {
      lackingSince.delete(name);
      return undefined;
    }
    const since = lackingSince.get(name) ?? time.now();
    lackingSince.set(name, since);
    return {
      since,
      fault:
        fault === fenceFault
          ? fault
          : {
              ...fault,
              ...originPlace(catalog.origins(name)?.find(({ path, value }) => isSaidIn(path, value, fault))),
            },
    };
  }

  return {
    service: secrets,
    secrets,
    use() {
      secrets.use(catalog.agents().values());
      journal.hide(secrets.seen());
      needs.mounts.use();
    },
    lacks,
    unfenced(fault) {
      fenceFault ??= fault;
    },
    isReady: (agent) => !lackOf(agent),
    problems(placements) {
      const faults = [...catalog.agents().values()].flatMap((agent) => {
        const fault = lacks(agent.name)?.fault;
        if (!fault) return [];
        const runs = placements.of(agent.name)?.agent.fingerprint;
        return runs === agent.fingerprint
          ? fault
          : { ...fault, message: `${fault.message}; the version before goes on running` };
      });
      // Fences are the same fault for all.
      return [...secrets.envFile().problems, ...new Set(faults)];
    },
    notes: () => [...secrets.envFile().notes, ...unsharedNotes(catalog)],
  };
}

/** Whether a value of an agent names the secret that the fault is about. */
function isSaidIn(path: string, value: unknown, { data }: PlainFault): boolean {
  return /^(?:needs\.secrets|webhook\.verify\.)/.test(path) && (value as string[]).includes(String(data?.secret));
}

/** Agents whose files ask for a shared cell, and whose rights do not let them have one. */
function unsharedNotes(catalog: SetupNeeds['catalog']): PlainFault[] {
  return [...catalog.agents().values()].flatMap((agent) => {
    const origins = catalog.origins(agent.name);
    const isSaid = origins?.some(
      ({ path, value, origin }) => path === 'isolation' && value === 'shared' && origin !== 'default',
    );
    const because = isSaid ? unsharedReason(agent) : undefined;
    if (because === undefined) return [];
    return {
      code: 'ISOLATION_KEPT',
      message: `${agent.name} has a cell of its own though its file says isolation: shared: ${because}`,
      next: 'take the line away; agents without needs share cells',
      ...originPlace(origins?.find(({ path }) => path === 'isolation')),
    };
  });
}
