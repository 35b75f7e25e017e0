import type { Agent } from '../jobs/agent.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import type { SettingsCheck } from './files/settings-check.ts';
import { goneAgents } from './gone-agents.ts';
import { createInForceFile, type InForce, NOTHING_IN_FORCE } from './in-force.ts';
import type { CatalogChange, GoneAgent, Listing } from './ports.ts';
import type { Resolved } from './resolve/agent.ts';
import {
  type AgentFileFacts,
  type PluginFacts,
  type ResolvedSet,
  rememberingResolve,
  resolveSet,
} from './resolve/set.ts';
import type { RolloutBook } from './rollout/rollout-book.ts';
import type { Versions } from './versions/versions.ts';

interface CurrentSetNeeds {
  time: Time;
  log: Log;
  versions: Versions;
  versionsFolder: string;
  book: RolloutBook;
  checks: SettingsCheck;
  hostTimezone(): string;
}

/** The plugins and agent files as they are now. */
interface SetFacts {
  plugins: ReadonlyMap<string, PluginFacts>;
  files: ReadonlyMap<string, AgentFileFacts>;
}

/** The agents that are in force, with their listings, and the memory of both for the next host. */
export interface CurrentSet {
  /** Goes on from what an earlier host had in force, as far as its versions are still kept. */
  restore(): Promise<void>;
  /** Agents in force, by name. */
  agents(): ReadonlyMap<string, Resolved>;
  listings(): Listing[];
  gone(): readonly GoneAgent[];
  /** The set that was written down last. */
  remembered(): InForce;
  /** Decides anew which agents are in force, and returns the change. */
  decide(facts: SetFacts & { unsettled: boolean; agentsUnsettled: boolean }): {
    set: ResolvedSet;
    change: CatalogChange;
  };
  /** Writes down the set in force, and deletes versions above the budget after that. */
  remember(facts: SetFacts): void;
  /** Deletes every version that nobody needs; resolves with the bytes that came free. */
  shrink(): Promise<number>;
  /** Resolves when nothing is being written. */
  settled(): Promise<void>;
}

/** A set without agents. */
export function createCurrentSet(needs: CurrentSetNeeds): CurrentSet {
  const { time, versions, book, checks, hostTimezone } = needs;
  const file = createInForceFile(needs.versionsFolder, needs.log);
  const resolve = rememberingResolve();
  let remembered = NOTHING_IN_FORCE;
  let current = { agents: new Map<string, Resolved>(), listings: [] as Listing[], gone: remembered.gone };

  const used = () => new Set([...versionsOf(remembered), ...book.used()]);

  return {
    async restore() {
      remembered = await file.read();
      book.load(remembered.rollouts);
      const agents = new Map<string, Resolved>();
      for (const [name, { agent, origins }] of remembered.agents) {
        const { plugin, id } = agent.version;
        const version = versions.get(plugin, id);
        if (!version) continue;
        checks.know(plugin, id, agent.settings);
        agents.set(name, { agent: { ...agent, version: version.ref }, origins });
      }
      current = { agents, listings: [], gone: remembered.gone };
    },
    agents: () => current.agents,
    listings: () => current.listings,
    gone: () => current.gone,
    remembered: () => remembered,
    decide({ plugins, files, unsettled, agentsUnsettled }) {
      const { agents: inForce, listings, gone: known } = current;
      const terms = { plugins, files, inForce, listings, unsettled, agentsUnsettled, resolve };
      const resolved = resolveSet({ ...terms, hostTimezone: hostTimezone(), issuesOf: checks.issuesOf });
      checks.ask(resolved.unchecked);
      const set = { ...resolved, ...book.settle(resolved, inForce) };
      const gone = goneAgents({ before: inForce, set, plugins, files, known, now: time.now() });
      current = { agents: set.agents, listings: set.listings, gone };
      return { set, change: changeBetween(inForce, set.agents) };
    },
    remember({ plugins, files }) {
      remembered = {
        plugins: goodOf(plugins, ({ ref }) => ref.id),
        files: goodOf(files, ({ file, text }) => ({ file, text })),
        agents: current.agents,
        rollouts: book.all(),
        gone: current.gone,
      };
      file.write(remembered, async () => void (await versions.prune(used())));
    },
    shrink: () => versions.prune(used(), 0),
    settled: file.settled,
  };
}

/** The change from one set of agents to another. */
function changeBetween(before: ReadonlyMap<string, Resolved>, after: ReadonlyMap<string, Resolved>): CatalogChange {
  const change: CatalogChange = { added: [], changed: [], removed: [] };
  for (const [name, resolved] of after) {
    const { agent } = resolved;
    const former = before.get(name);
    if (former === resolved) continue;
    const old = former?.agent;
    if (!old) change.added.push(agent);
    else if (JSON.stringify(old) !== JSON.stringify(agent)) change.changed.push({ before: old, after: agent });
  }
  for (const [name, { agent }] of before) if (!after.has(name)) change.removed.push(agent);
  return change;
}

/** A line of the log for each agent that changed. */
export function logLinesOf(change: CatalogChange): { message: string; data: Record<string, unknown> }[] {
  const dataOf = (agent: Agent) => ({ agent: agent.name, version: agent.version.id });
  return [
    ...change.added.map((agent) => ({ message: `${agent.name} is live`, data: dataOf(agent) })),
    ...change.changed.map(({ before, after }) => ({
      message:
        before.version.id === after.version.id
          ? `${after.name} is live with other settings`
          : `${after.name} is live with version ${after.version.id}`,
      data: { ...dataOf(after), before: before.version.id },
    })),
    ...change.removed.map((agent) => ({ message: `${agent.name} is gone`, data: dataOf(agent) })),
  ];
}

/** The kept part of the good state of each plugin or agent file. */
function goodOf<T, Kept>(
  all: ReadonlyMap<string, { good: T | undefined }>,
  make: (good: T) => Kept,
): Map<string, Kept> {
  return new Map([...all].flatMap(([name, { good }]) => (good ? [[name, make(good)] as const] : [])));
}

/** The versions, as `plugin/id`, that are in force or good. */
function versionsOf(inForce: InForce): Set<string> {
  const used = new Set([...inForce.plugins].map(([plugin, id]) => `${plugin}/${id}`));
  for (const { agent } of inForce.agents.values()) used.add(`${agent.version.plugin}/${agent.version.id}`);
  return used;
}
