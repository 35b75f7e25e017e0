import type { PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createListeners } from './coordination.ts';
import type { PluginRegistry } from './plugin-registry.ts';
import type { FileReport } from './ports.ts';
import type { AgentFileFacts, PluginFacts, ResolvedSet } from './resolve/set.ts';
import type { FileScanner } from './watching/file-scanner.ts';

interface ChangeReportsNeeds {
  log: Log;
  pluginRegistry: Pick<PluginRegistry, 'buildCounts'>;
  /** Problems of files that are neither plugin nor agent. */
  unrecognized(): readonly PlainFault[];
  scanner: Pick<FileScanner, 'files' | 'sinceMs'>;
}

/** Reports the result of each file change exactly once. The first scan reports nothing. */
interface ChangeReports {
  report(plugins: ReadonlyMap<string, PluginFacts>, files: ReadonlyMap<string, AgentFileFacts>, set: ResolvedSet): void;
  /** Calls back with each report; the returned function ends that. */
  add(call: (report: FileReport) => void): () => void;
}

type Reported = Omit<FileReport, 'tookMs'>;

interface ReportedState {
  /** A text that changes with each change of the file that has been built or read. */
  is: string;
  reported: Reported;
}

interface ReportTerms {
  plugins: ReadonlyMap<string, PluginFacts>;
  buildCounts: ReadonlyMap<string, number>;
  files: ReadonlyMap<string, AgentFileFacts>;
  set: ResolvedSet;
  others: readonly PlainFault[];
}

/** Reports of changes from the second `report` on. */
export function createChangeReports({ log, pluginRegistry, unrecognized, scanner }: ChangeReportsNeeds): ChangeReports {
  const listeners = createListeners<FileReport>(log);
  let before: Map<string, ReportedState> | undefined;

  return {
    report(plugins, files, set) {
      const now = statesOf(
        { plugins, buildCounts: pluginRegistry.buildCounts(), files, set, others: unrecognized() },
        before,
      );
      const former = before ?? now;
      before = now;
      const changed = [...now].filter(([file, { is }]) => former.get(file)?.is !== is);
      const tookMs = changed.length > 0 ? scanner.sinceMs() : null;
      for (const [, { reported }] of changed) listeners.notify({ ...reported, tookMs });
      for (const [file, state] of former) {
        if (now.has(file)) continue;
        // A file without a state that is still there is a helper, as far as can be said while its importer is built.
        if ((scanner.files.get(file)?.is ?? 'missing') !== 'missing') now.set(file, state);
        else listeners.notify(removed(state.reported));
      }
    },
    add: listeners.add,
  };
}

function statesOf(
  terms: ReportTerms,
  before: ReadonlyMap<string, ReportedState> | undefined,
): Map<string, ReportedState> {
  const { plugins, buildCounts, files, set, others } = terms;
  const states = new Map<string, ReportedState>();
  const unchecked = new Set(set.unchecked.map(({ version }) => version.ref.plugin));
  const put = (file: string, isDecided: boolean, make: () => ReportedState) => {
    const state = isDecided ? make() : before?.get(file);
    if (state) states.set(file, state);
  };

  const { agentsOf, byPlugin, byName } = byNames(set);
  for (const [plugin, facts] of plugins) {
    const count = buildCounts.get(plugin);
    put(facts.file, count !== undefined && !unchecked.has(plugin), () => {
      const agents = agentsOf.get(plugin) ?? [];
      const listed = byPlugin.get(plugin);
      const version = agents[0]?.version.id ?? (facts.problem ? null : (facts.good?.ref.id ?? null));
      const names = agents.map(({ name }) => name).sort();
      const problem = facts.problem ?? listed?.problem;
      return { is: String(count), reported: reportOf(facts.file, plugin, version, names, problem) };
    });
  }
  for (const [name, facts] of files) {
    const plugin = facts.good?.data.plugin ?? null;
    const isBusy = plugin !== null && plugins.has(plugin) && !buildCounts.has(plugin);
    put(facts.file, !isBusy && !unchecked.has(plugin ?? ''), () => {
      const agent = set.agents.get(name)?.agent;
      const problem = facts.problem ?? byName.get(name)?.problem;
      const is = JSON.stringify([facts.good?.text, facts.problem?.message, facts.problem?.line]);
      return { is, reported: reportOf(facts.file, plugin, agent?.version.id ?? null, agent ? [name] : [], problem) };
    });
  }
  for (const problem of others) {
    if (problem.file && !states.has(problem.file)) {
      states.set(problem.file, { is: problem.message, reported: reportOf(problem.file, null, null, [], problem) });
    }
  }
  return states;
}

/** The set by the names that files are looked up with; a thousand files would each look through all of it. */
function byNames({ agents, listings }: ResolvedSet) {
  const rejected = listings.filter(({ problem }) => problem);
  return {
    agentsOf: Map.groupBy(
      agents.values().map(({ agent }) => agent),
      ({ version }) => version.plugin,
    ),
    // The first of a plugin counts.
    byPlugin: new Map(rejected.toReversed().map((listing) => [listing.plugin, listing])),
    byName: new Map(rejected.map((listing) => [listing.name, listing])),
  };
}

function reportOf(
  file: string,
  plugin: string | null,
  version: string | null,
  agents: string[],
  problem: PlainFault | null | undefined,
): Reported {
  return { file, is: problem ? 'rejected' : 'accepted', plugin, version, agents, problem: problem ?? null };
}

function removed({ file, plugin }: Reported): FileReport {
  return { file, is: 'removed', plugin, version: null, agents: [], problem: null, tookMs: null };
}
