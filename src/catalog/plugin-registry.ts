import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { type BuildNeeds, type BuildResult, buildPlugin } from './builder/build-plugin.ts';
import { kindOfPluginPath } from './files/names.ts';
import type { PluginFacts } from './resolve/set.ts';
import { keyOf, type Lookup, UNSURE } from './versions/lookups.ts';
import type { StoredVersion } from './versions/versions.ts';
import { PLUGINS, type PluginInputs, type SettledFile } from './watching/file-scanner.ts';
import type { LookupAnswers } from './watching/lookup-answers.ts';

/** All plugins of the installation, each with the version that counts. Builds those whose files have changed. */
export interface PluginRegistry {
  plugins(): ReadonlyMap<string, PluginFacts>;
  problems(): PlainFault[];
  /**
   * How often each plugin was built because a file had changed, or with another result; without plugins that are being
   * built.
   */
  buildCounts(): ReadonlyMap<string, number>;
  /**
   * Takes the files as they are, and begins to build plugins whose files are new; `full`: also tries again plugins that
   * failed for outer reasons. True: the plugins are others already, before anything is built.
   */
  buildChanged(turn: number, full: boolean): boolean;
  /**
   * The files and lookups that plugins are made of; `full`: those of older versions, too, for the files may be those of
   * an older version again.
   */
  madeOf(full: boolean): PluginInputs;
  /** Whether no plugin is being built. */
  idle(): boolean;
  /** Resolves when no plugin is being built. */
  settled(): Promise<void>;
  /** Lets files under which an earlier host died be built again. */
  forgiveAll(): void;
}

interface PluginRegistryNeeds extends BuildNeeds {
  folder: string;
  answers: LookupAnswers['answers'];
  /** The good version that an earlier host used. */
  remembered(plugin: string): StoredVersion | undefined;
  /** A plugin has been built or rejected. */
  built(plugin: string): void;
}

interface PluginEntry {
  file: string;
  good: StoredVersion | undefined;
  problem: PlainFault | undefined;
  decision: BuildResult | undefined;
  /** The scan whose files were built last. */
  turn: number;
  running: Promise<void> | undefined;
  builds: number;
  /** How many builds in a row saw a file change under them. */
  unsure: number;
}

/** Faults that may be mended without a change of the plugin's own files: by an install, more memory, a quiet moment. */
const OUTER = new Set([
  'PLUGIN_IMPORT_UNRESOLVED',
  'BUILDER_FAILED',
  'BUILDER_KILLED',
  'PLUGIN_COMPILE_TIMEOUT',
  'PLUGIN_HOST_DIED',
]);

const UNSURE_AT_ONCE = 2;

/** A registry without plugins; `buildChanged` fills it. */
export function createPluginRegistry(needs: PluginRegistryNeeds): PluginRegistry {
  const { files, folder } = needs;
  const registry = new Map<string, PluginEntry>();
  /** Builds that go on, also of plugins that are gone meanwhile. */
  const active = new Set<Promise<void>>();

  function buildChanged(turn: number, full: boolean) {
    const byName = pluginFiles(files);
    let isOther = false;
    for (const name of registry.keys()) if (!byName.has(name)) isOther = registry.delete(name);
    const newest = newestPartOf(files);
    for (const [name, paths] of byName) {
      const registered = registry.get(name) ?? blank(paths[0]!, needs.remembered(name));
      registry.set(name, registered);
      if (paths.length > 1) {
        const problem = nameConflict(name, paths);
        isOther ||= registered.problem?.message !== problem.message;
        Object.assign(registered, { problem, decision: undefined });
        continue;
      }
      if (registered.file !== paths[0]) Object.assign(registered, { file: paths[0], decision: undefined });
      const reason = registered.running ? undefined : dueReason(registered, needs, newest, full);
      if (reason) startBuild(name, registered, turn, reason);
    }
    return isOther;
  }

  function startBuild(name: string, registered: PluginEntry, turn: number, reason: DueReason) {
    const { file } = registered;
    registered.turn = turn;
    const { lookups = [] } = registered.decision ?? registered.good ?? {};
    const running = buildPlugin({ name, entry: file, folder, lookups }, needs)
      .catch((error): BuildResult => {
        const hash = files.get(file)?.hash ?? null;
        const fault = { ...toPlainFault(error, 'BUILDER_FAILED'), file };
        return { fault, inputs: [{ path: file, hash }], lookups: [] };
      })
      .then((decision) => {
        registered.running = undefined;
        // The file may have been renamed or removed meanwhile.
        if (registry.get(name) !== registered || registered.file !== file) return;
        if (reason === 'changed' || !isSameResult(registered.decision, decision)) registered.builds += 1;
        registered.decision = decision;
        registered.unsure = decision.lookups.some(({ answer }) => answer === UNSURE) ? registered.unsure + 1 : 0;
        registered.problem = decision.fault;
        registered.good = decision.version ?? registered.good;
      })
      .then(() => {
        active.delete(running);
        needs.built(name);
      });
    registered.running = running;
    active.add(running);
  }

  function partsOf({ decision, good }: PluginEntry): readonly { path: string }[] {
    return decision?.inputs ?? good?.inputs ?? [];
  }

  /**
   * Whether a file has the name of a plugin, exports none, and is imported by a plugin: a helper. While other plugins
   * are built, any such file may be a helper.
   */
  function isHelper(name: string, { file, good, problem }: PluginEntry): boolean {
    if (good || problem?.code !== 'PLUGIN_EXPORT') return false;
    if (active.size > 0) return true;
    const { real = file } = files.get(file) ?? {};
    return [...registry].some(
      ([other, one]) => other !== name && partsOf(one).some(({ path }) => path === file || path === real),
    );
  }

  return {
    buildChanged,
    plugins() {
      const facts = new Map<string, PluginFacts>();
      for (const [name, registered] of registry) {
        const { file, good, problem } = registered;
        if (!isHelper(name, registered)) facts.set(name, { file, good, problem });
      }
      return facts;
    },
    problems: () =>
      [...registry].flatMap(([name, registered]) =>
        registered.problem && !isHelper(name, registered) ? [registered.problem] : [],
      ),
    buildCounts() {
      const counts = new Map<string, number>();
      for (const [name, { running, builds }] of registry) if (!running) counts.set(name, builds);
      return counts;
    },
    madeOf(full) {
      const made: PluginInputs = { inputs: new Set(), lookups: [] };
      const add = (one: { inputs: readonly { path: string }[]; lookups?: readonly Lookup[] }) => {
        for (const { path } of one.inputs) made.inputs.add(path);
        for (const lookup of one.lookups ?? []) made.lookups.push(lookup);
      };
      for (const { decision, good } of registry.values()) add(decision ?? good ?? { inputs: [] });
      if (full) for (const version of needs.versions.all()) add(version);
      return made;
    },
    idle: () => active.size === 0,
    forgiveAll: () => needs.notes?.forget(),
    async settled() {
      while (active.size > 0) await Promise.all(active);
    },
  };
}

function blank(file: string, good: StoredVersion | undefined): PluginEntry {
  const never = { problem: undefined, decision: undefined, running: undefined };
  return { file, good, ...never, turn: -1, builds: 0, unsure: 0 };
}

/** The reason for a build: a file of the plugin was changed, or the last build may come out otherwise now. */
type DueReason = 'changed' | 'retry';

/**
 * The reason to build a plugin (again), if there is a reason. A state that settled before the last build began proves
 * nothing: the compiler may have read a newer state, which will settle in its turn.
 */
function dueReason(
  registered: PluginEntry,
  { files, answers }: Pick<PluginRegistryNeeds, 'files' | 'answers'>,
  newestPart: number,
  full: boolean,
): DueReason | undefined {
  const { decision, turn } = registered;
  if (!decision) return 'changed';
  const changed = decision.inputs.some(({ path, hash }) => {
    const now = files.get(path);
    return now !== undefined && now.hash !== hash && now.turn > turn;
  });
  const entry = files.get(registered.file);
  if (changed || (entry?.real !== decision.real && entry!.turn > turn)) return 'changed';
  const answeredAnew = decision.lookups.some((lookup) => {
    const now = answers.get(keyOf(lookup));
    return now !== undefined && lookup.answer !== UNSURE && now.answer !== lookup.answer && now.turn > turn;
  });
  if (answeredAnew) return 'retry';
  // Where a file is written all the time, every build is unsure: the third and later ones wait for the next full scan.
  if (registered.unsure > 0 && (full || registered.unsure <= UNSURE_AT_ONCE)) return 'retry';
  // The file that a missing import means is unknown: any new part may be it.
  const mayBeMended = decision.fault !== undefined && OUTER.has(decision.fault.code);
  return mayBeMended && (full || newestPart > turn) ? 'retry' : undefined;
}

function isSameResult(one: BuildResult | undefined, other: BuildResult): boolean {
  return (
    one?.version?.ref.id === other.version?.ref.id &&
    one?.fault?.code === other.fault?.code &&
    one?.fault?.message === other.fault?.message &&
    one?.fault?.line === other.fault?.line
  );
}

function newestPartOf(files: ReadonlyMap<string, SettledFile>): number {
  let newest = -1;
  for (const [path, { turn }] of files) if (path.startsWith(`${PLUGINS}/`)) newest = Math.max(newest, turn);
  return newest;
}

function pluginFiles(files: ReadonlyMap<string, SettledFile>): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const [path, file] of files) {
    if (file.is === 'missing' || !path.startsWith(`${PLUGINS}/`)) continue;
    const kind = kindOfPluginPath(path.slice(PLUGINS.length + 1));
    if (kind.is === 'plugin') byName.set(kind.name, [...(byName.get(kind.name) ?? []), path].sort());
  }
  return byName;
}

/** The fault of two files that claim one name. */
export function nameConflict(name: string, paths: readonly string[]): PlainFault {
  return {
    code: 'NAME_CLASH',
    message: `${paths.join(' and ')} both claim the name ${name}`,
    file: paths[0]!,
    next: `remove or rename one of them; files in ${paths[0]!.split('/')[0]}/ whose names begin with _ are left alone`,
  };
}
