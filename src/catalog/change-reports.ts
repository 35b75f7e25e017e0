import type { PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createListeners } from './listeners.ts';
import type { PluginRegistry } from './plugin-registry.ts';
import type { FileReport } from './ports.ts';
import type { AgentFileFacts, PluginFacts, ResolvedSet } from './resolve/set.ts';
import type { FileScanner } from './watching/file-scanner.ts';

export interface ChangeReportsNeeds {
  log: Log;
  pluginShelf: Pick<PluginRegistry, 'judged'>;
  /** What is wrong with files that are neither plugin nor agent. */
  strays(): readonly PlainFault[];
  scanner: Pick<FileScanner, 'sinceMs'>;
}

/** Reports the result of each file change exactly once. The first scan reports nothing. */
export interface ChangeReports {
  look(plugins: ReadonlyMap<string, PluginFacts>, files: ReadonlyMap<string, AgentFileFacts>, set: ResolvedSet): void;
  /** Returns what ends it. */
  add(call: (news: FileReport) => void): () => void;
}

type Told = Omit<FileReport, 'tookMs'>;

interface Face {
  /** Changes with each change of the file that has been looked at. */
  is: string;
  told: Told;
}

interface NewsTerms {
  plugins: ReadonlyMap<string, PluginFacts>;
  judged: ReadonlyMap<string, number>;
  files: ReadonlyMap<string, AgentFileFacts>;
  set: ResolvedSet;
  others: readonly PlainFault[];
}

export function createChangeReports({ log, pluginShelf, strays, scanner }: ChangeReportsNeeds): ChangeReports {
  const listeners = createListeners<FileReport>(log);
  let before: Map<string, Face> | undefined;

  return {
    look(plugins, files, set) {
      const now = facesOf({ plugins, judged: pluginShelf.judged(), files, set, others: strays() }, before);
      const former = before ?? now;
      before = now;
      for (const [file, { is, told }] of now) {
        if (former.get(file)?.is !== is) listeners.tell({ ...told, tookMs: scanner.sinceMs() });
      }
      for (const [file, { told }] of former) if (!now.has(file)) listeners.tell(removed(told));
    },
    add: listeners.add,
  };
}

function facesOf(terms: NewsTerms, before: ReadonlyMap<string, Face> | undefined): Map<string, Face> {
  const { plugins, judged, files, set, others } = terms;
  const faces = new Map<string, Face>();
  const unchecked = new Set(set.unchecked.map(({ version }) => version.ref.plugin));
  const put = (file: string, isDecided: boolean, make: () => Face) => {
    const face = isDecided ? make() : before?.get(file);
    if (face) faces.set(file, face);
  };

  for (const [plugin, facts] of plugins) {
    const count = judged.get(plugin);
    put(facts.file, count !== undefined && !unchecked.has(plugin), () => {
      const agents = [...set.agents.values()].flatMap(({ agent }) => (agent.version.plugin === plugin ? [agent] : []));
      const listed = set.listings.find((listing) => listing.plugin === plugin && listing.problem);
      const version = agents[0]?.version.id ?? (facts.problem ? null : (facts.good?.ref.id ?? null));
      const names = agents.map(({ name }) => name).sort();
      return { is: String(count), told: toldOf(facts.file, plugin, version, names, facts.problem ?? listed?.problem) };
    });
  }
  for (const [name, facts] of files) {
    const plugin = facts.good?.data.plugin ?? null;
    const isBusy = plugin !== null && plugins.has(plugin) && !judged.has(plugin);
    put(facts.file, !isBusy && !unchecked.has(plugin ?? ''), () => {
      const agent = set.agents.get(name)?.agent;
      const listed = set.listings.find((listing) => listing.name === name);
      const problem = facts.problem ?? listed?.problem;
      const is = JSON.stringify([facts.good?.text, facts.problem?.message, facts.problem?.line]);
      return { is, told: toldOf(facts.file, plugin, agent?.version.id ?? null, agent ? [name] : [], problem) };
    });
  }
  for (const problem of others) {
    if (problem.file && !faces.has(problem.file)) {
      faces.set(problem.file, { is: problem.message, told: toldOf(problem.file, null, null, [], problem) });
    }
  }
  return faces;
}

function toldOf(
  file: string,
  plugin: string | null,
  version: string | null,
  agents: string[],
  problem: PlainFault | null | undefined,
): Told {
  return { file, is: problem ? 'rejected' : 'accepted', plugin, version, agents, problem: problem ?? null };
}

function removed({ file, plugin }: Told): FileReport {
  return { file, is: 'removed', plugin, version: null, agents: [], problem: null, tookMs: null };
}
