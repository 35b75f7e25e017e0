import type { Catalog, ValueSource } from '../../catalog/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { Journal } from '../../telemetry/journal.ts';
import type { Workers } from '../../workers/ports.ts';
import type { Pauses } from '../pauses.ts';
import { createSecrets, type Secrets } from './secrets.ts';

/**
 * Agents whose set-up is not complete: a secret that they declare is not there. No worker of theirs is started and no job
 * claimed, slots end as skipped with the reason; all goes on by itself when the secret appears.
 */
export interface Setup {
  /** The service that looks for secrets again. */
  service: Service;
  secrets: Secrets;
  /** The set of agents in force has changed. */
  use(): void;
  /** Why the agent starts nothing; undefined when it has all that it declares, or the good version before it has. */
  missing(agent: string): PlainFault | undefined;
  /** What may run in place of the agent: itself, the good state before it, or nothing. */
  admitted(agent: Agent): Agent[];
  /** The pauses of the house with the agents that need setup among them. */
  held(pauses: Pauses): Pauses;
  problems(): PlainFault[];
  notes(): PlainFault[];
}

export interface SetupNeeds {
  time: Time;
  journal: Pick<Journal, 'room' | 'hide'>;
  folder: string;
  catalog: Pick<Catalog, 'agents' | 'origins'> & { rollouts: Pick<Catalog['rollouts'], 'probationers'> };
  workers(): Pick<Workers, 'view' | 'recycle'>;
  /** What may run has changed for these agents. */
  changed(agents: readonly string[]): void;
  env?: NodeJS.ProcessEnv;
}

export function createSetup(needs: SetupNeeds): Setup {
  const { time, journal, folder, catalog, env } = needs;
  const log = journal.room('secrets');
  const secrets = createSecrets({ time, log, folder, changed, ...(env ? { env } : {}) });

  /** Workers that were given the value of before go when they have done what they hold. */
  function changed(names: ReadonlySet<string>) {
    journal.hide(secrets.seen());
    const agents = [...catalog.agents().values()].filter((agent) =>
      agent.needs.secrets.some((name) => names.has(name)),
    );
    const struck = new Set(agents.map(({ name }) => name));
    const { view, recycle } = needs.workers();
    for (const { worker, agent } of view().workers) {
      if (struck.has(agent)) recycle?.(worker, { code: 'RECYCLED', message: 'a secret of its agent has changed' });
    }
    needs.changed([...struck]);
  }

  /** The good state before the agent's newest, if that one has its secrets. */
  function before(name: string): Agent | undefined {
    const good = catalog.rollouts.probationers().find(({ agent }) => agent.name === name)?.good;
    return good && !secrets.missing(good) ? good : undefined;
  }

  function lacking(name: string): PlainFault | undefined {
    const agent = catalog.agents().get(name);
    const fault = agent && agent.needs.secrets.length > 0 ? secrets.missing(agent) : undefined;
    return fault && { ...fault, ...placeOfNeed(catalog.origins(name)) };
  }

  function missing(name: string): PlainFault | undefined {
    const fault = lacking(name);
    return fault && !before(name) ? fault : undefined;
  }

  return {
    service: secrets,
    secrets,
    use() {
      secrets.use(catalog.agents().values());
      journal.hide(secrets.seen());
    },
    missing,
    admitted(agent) {
      if (agent.needs.secrets.length === 0 || !secrets.missing(agent)) return [agent];
      const good = before(agent.name);
      return good ? [good] : [];
    },
    held: (pauses) => ({
      ...pauses,
      isPaused: (agent) => pauses.isPaused(agent) || missing(agent) !== undefined,
      get(agent) {
        const paused = pauses.get(agent);
        const setup = paused ? undefined : missing(agent);
        return setup ? { until: null, why: setup.message, setup } : paused;
      },
    }),
    problems() {
      const faults = [...catalog.agents().keys()].flatMap((name) => {
        const fault = lacking(name);
        if (!fault) return [];
        return before(name) ? { ...fault, message: `${fault.message}; the version before goes on running` } : fault;
      });
      return [...secrets.envFile().problems, ...faults];
    },
    notes: () => secrets.envFile().notes,
  };
}

/** Where its secrets are declared: `plugins/x.ts`, `agents/x.yaml:6:3`. */
function placeOfNeed(origins: ValueSource[] | undefined): Partial<PlainFault> {
  const origin = origins?.find(({ path }) => path === 'needs.secrets')?.origin ?? '';
  const [, file, line, column] = /^(.+?)(?::(\d+):(\d+))?$/.exec(origin) ?? [];
  if (file === undefined) return {};
  return line === undefined ? { file } : { file, line: Number(line), column: Number(column) };
}
