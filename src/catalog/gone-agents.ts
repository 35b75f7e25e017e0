import type { PlainFault } from '../kernel/fault.ts';
import { DAY_MS } from '../kernel/measures.ts';
import type { GoneAgent } from './ports.ts';
import type { Resolved } from './resolve/agent.ts';
import type { AgentFileFacts, PluginFacts, ResolvedSet } from './resolve/set.ts';

interface GoneTerms {
  before: ReadonlyMap<string, Resolved>;
  set: ResolvedSet;
  plugins: ReadonlyMap<string, PluginFacts>;
  files: ReadonlyMap<string, AgentFileFacts>;
  /** Gone agents that were told before. */
  known: readonly GoneAgent[];
  /** Epoch ms. */
  now: number;
}

/** People are told of a gone agent for this long. */
const REPORTED_FOR_MS = 7 * DAY_MS;
/** A file that is renamed goes at once, and is there under its new name when it has settled. */
const HEIR_WITHIN_MS = 10_000;
const MOST = 100;

/**
 * The agents that went with a change of the files and have not come back, newest last. `known` itself when nothing of it
 * has changed. Pure.
 */
export function goneAgents({ before, set, plugins, files, known, now }: GoneTerms): readonly GoneAgent[] {
  const listed = new Set(set.listings.map(({ name }) => name));
  const isGone = ({ agent, at }: GoneAgent) => !listed.has(agent) && now - at < REPORTED_FOR_MS;
  const still = known.filter((one) => isGone(one) && (one.by === null || isBy(one))).map(withHeir);
  const fresh = [...before].flatMap(([agent, { agent: old, origins }]): GoneAgent[] => {
    if (listed.has(agent)) return [];
    const { plugin } = old.version;
    const hadFile = origins.some(({ path, origin }) => path === 'plugin' && origin.startsWith('agents/'));
    const ranByItself = !hadFile && plugin === agent && plugins.has(plugin);
    const by = ranByItself
      ? ([...files.values()].find(({ good }) => good?.data.plugin === plugin)?.file ?? null)
      : null;
    return [withHeir({ agent, plugin, at: now, by, heir: null })];
  });
  if (fresh.length === 0 && still.length === known.length && still.every((one, i) => one === known[i])) return known;
  const names = new Set(fresh.map(({ agent }) => agent));
  return [...still.filter(({ agent }) => !names.has(agent)), ...fresh].slice(-MOST);

  function withHeir(one: GoneAgent): GoneAgent {
    if (one.heir !== null || one.by !== null || now - one.at > HEIR_WITHIN_MS) return one;
    const heirs = [...set.agents].filter(
      ([name, { agent }]) => !before.has(name) && agent.version.plugin === one.plugin,
    );
    return heirs.length === 1 ? { ...one, heir: heirs[0]![0] } : one;
  }

  function isBy({ agent, by }: GoneAgent): boolean {
    const named = [...files.values()].some(({ file, good }) => file === by && good?.data.plugin === agent);
    return named && plugins.has(agent);
  }
}

/** The notes on agents that ran by themselves until a file named their plugin. */
export function recordGoneAgents(gone: readonly GoneAgent[]): PlainFault[] {
  return gone.flatMap(({ agent, by }) =>
    by === null
      ? []
      : {
          code: 'AGENT_ENDED',
          message: `${agent} no longer runs by itself: this file names its plugin, and so the files say which agents there are`,
          file: by,
          next: `add agents/${agent}.yaml with \`plugin: ${agent}\` to keep it, or with \`enabled: false\` as well if it is meant so`,
        },
  );
}
