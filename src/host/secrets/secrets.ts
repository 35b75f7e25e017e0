import type { SecretsView } from '../../control/protocol.ts';
import type { Agent } from '../../jobs/agent.ts';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import { type EnvFile, findSecret, readEnvFile, type SecretSearch, secretFault } from './find.ts';

/** The secrets that agents declare, looked for again every ten seconds: what appears or changes counts without a restart. */
export interface Secrets extends Service {
  /** The agents in force: their names are looked for, and no others. */
  use(agents: Iterable<Agent>): void;
  /** Names of the host's own secrets, which no agent gets: they are looked for like those of agents. */
  useForHost(names: readonly string[]): void;
  /** The value of one of the host's own secrets. */
  find(name: string): SecretSearch;
  /** Looks for all of them now. */
  refresh(): void;
  /** The fault that keeps the agent from starting; undefined when it has all that it declares. */
  missing(agent: Agent): PlainFault | undefined;
  /** The values of the names that the agent declares. Throws the fault of `missing`. */
  values(agent: Declaring): Record<string, string>;
  /** The values of the secrets that deliveries to the agent are signed with, as far as they are there. */
  webhookValues(agent: Pick<Agent, 'webhook'>): string[];
  /** Every value that was seen since the start, to be scrubbed. */
  seen(): Iterable<string>;
  /** The declared names, each with where it was found and the agents that declare it. */
  list(): SecretFacts[];
  envFile(): EnvFile;
}

interface SecretFacts {
  name: string;
  found: SecretSearch;
  /** By name. */
  agents: string[];
}

/** An agent, as far as its secrets go. */
type Declaring = Pick<Agent, 'name' | 'needs' | 'webhook'>;

/** The names that the agent declares: of secrets that its workers get, and of those that deliveries are signed with. */
export function secretNamesOf({ needs, webhook }: Pick<Agent, 'needs' | 'webhook'>): string[] {
  return [...new Set([...needs.secrets, ...(webhook?.secrets ?? [])])];
}

interface SecretsNeeds {
  time: Time;
  log: Log;
  folder: string;
  /** Default: that of this process. */
  env?: NodeJS.ProcessEnv;
  /** Names that were found, lost, or have another value than before. */
  changed(names: ReadonlySet<string>): void;
}

const LOOK_MS = 10_000;
/** Values that are not in use any more are scrubbed as well; of an endless change only the newest. */
const MOST_SEEN = 1_000;

export function createSecrets(needs: SecretsNeeds): Secrets {
  const { time, log, folder, env = process.env } = needs;
  const seen = new Set<string>();
  let agents = new Map<string, Agent>();
  let own: readonly string[] = [];
  let known = new Map<string, SecretSearch>();
  let file = readEnvFile(folder);

  function found(name: string): SecretSearch {
    const before = known.get(name);
    if (before) return before;
    const now = findSecret(name, { env, envFile: file });
    known.set(name, now);
    note(now);
    return now;
  }

  function note(one: SecretSearch) {
    if (one.is !== 'found') return;
    seen.delete(one.value);
    seen.add(one.value);
    if (seen.size > MOST_SEEN) seen.delete(seen.values().next().value!);
  }

  function refresh() {
    file = readEnvFile(folder);
    const before = known;
    known = new Map();
    const changed = new Set<string>();
    for (const [name, was] of before) {
      const now = found(name);
      if (textOf(was) === textOf(now)) continue;
      changed.add(name);
      const what =
        now.is !== 'found' ? 'is gone' : was.is === 'found' ? 'has another value' : `was found: ${now.where}`;
      log.info(`the secret ${name} ${what}`, { secret: name });
    }
    if (changed.size > 0) needs.changed(changed);
  }

  function missing({ name: agent, needs: { secrets }, webhook }: Declaring): PlainFault | undefined {
    for (const name of secrets) {
      const one = found(name);
      if (one.is !== 'found') return secretFault(agent, name, one);
    }
    if (!webhook || webhookValues({ webhook }).length > 0) return undefined;
    const [newest] = webhook.secrets;
    return secretFault(agent, newest!, found(newest!) as Exclude<SecretSearch, { is: 'found' }>);
  }

  function webhookValues({ webhook }: Pick<Agent, 'webhook'>): string[] {
    return (webhook?.secrets ?? []).flatMap((name) => textOf(found(name)) ?? []);
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('secrets could not be looked up', { fault: toPlainFault(error) }) },
    { everyMs: LOOK_MS, firstMs: LOOK_MS, turn: refresh },
  );

  return {
    start: loop.start,
    stop: loop.stop,
    alive: loop.alive,
    use(list) {
      agents = new Map([...list].map((agent) => [agent.name, agent]));
      const names = new Set([...own, ...[...agents.values()].flatMap(secretNamesOf)]);
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
      for (const name of names) found(name);
    },
    useForHost(names) {
      own = names;
      for (const name of names) found(name);
    },
    find: found,
    refresh,
    missing,
    webhookValues,
    values(agent) {
      const fault = missing(agent);
      if (!fault) return Object.fromEntries(agent.needs.secrets.map((name) => [name, textOf(found(name))!]));
      const thrown = new Fault(fault);
      // The stack of the host does not help the reader.
      delete thrown.stack;
      throw thrown;
    },
    seen: () => seen,
    list() {
      // A key of the host's own is shown where it is there: without it nothing of an agent is missing.
      const names = new Map<string, string[]>(
        own.filter((name) => found(name).is === 'found').map((name) => [name, []]),
      );
      for (const agent of agents.values()) {
        for (const name of secretNamesOf(agent)) names.set(name, [...(names.get(name) ?? []), agent.name].sort());
      }
      return [...names].sort().map(([name, by]) => ({ name, found: found(name), agents: by }));
    },
    envFile: () => file,
  };
}

function textOf(found: SecretSearch): string | undefined {
  return found.is === 'found' ? found.value : undefined;
}

/** The answer of `daruma secrets`: names and places, never a value. Pure. */
export function viewSecrets(facts: readonly SecretFacts[], { isThere, values, problems, notes }: EnvFile): SecretsView {
  const declared = new Set(facts.flatMap(({ name }) => [name, `${name}_FILE`]));
  return {
    secrets: facts.map(({ name, found, agents }) => ({
      name,
      where: found.is === 'found' ? found.where : null,
      missing: found.is === 'found' ? null : found.is === 'missing' ? found.why : `${found.file}: ${found.why}`,
      agents,
    })),
    envFile: { isThere, unused: [...values.keys()].filter((name) => !declared.has(name)).sort() },
    problems,
    notes,
  };
}
