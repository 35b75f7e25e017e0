import type { PlainFault } from '../kernel/fault.ts';
import { toPlainFault } from '../kernel/fault.ts';
import { type BuildNeeds, type BuildResult, buildPlugin } from './builder/build-plugin.ts';
import { kindOfPluginPath } from './files/names.ts';
import type { PluginFacts } from './resolve/set.ts';
import { keyOf, type Lookup, UNSURE } from './versions/lookups.ts';
import type { StoredVersion } from './versions/versions.ts';
import { PLUGINS, type PluginInputs, type SettledFile } from './watching/file-scanner.ts';
import type { LookupAnswers } from './watching/lookup-answers.ts';

/** All plugins of the installation, each with the version that counts. Judges those whose files have changed. */
export interface PluginRegistry {
  plugins(): ReadonlyMap<string, PluginFacts>;
  problems(): PlainFault[];
  /** How often each was judged; those that are being judged are left out. */
  judged(): ReadonlyMap<string, number>;
  /** Takes the files as they are, and begins to judge what is new; `full`: also tries again what failed for outer reasons. */
  take(turn: number, full: boolean): void;
  /** What plugins are made of; `full`: also older versions, for one of them may be what is wanted again. */
  madeOf(full: boolean): PluginInputs;
  /** Whether nothing is being judged. */
  idle(): boolean;
  /** Resolves when nothing is being judged. */
  settled(): Promise<void>;
}

export interface PluginRegistryNeeds extends BuildNeeds {
  folder: string;
  answers: LookupAnswers['answers'];
  /** The good version that an earlier host used. */
  remembered(plugin: string): StoredVersion | undefined;
  /** A plugin has been judged. */
  judged(plugin: string): void;
}

interface Shelved {
  file: string;
  good: StoredVersion | undefined;
  problem: PlainFault | undefined;
  decision: BuildResult | undefined;
  /** The look at whose files it was judged last. */
  turn: number;
  running: Promise<void> | undefined;
  judgements: number;
  /** How many judgements in a row saw something change under them. */
  unsure: number;
}

/** What may be mended without a change of the plugin's own files: an install, memory, a slow moment. */
const OUTER = new Set(['PLUGIN_IMPORT_UNRESOLVED', 'WORKSHOP_FAILED', 'WORKSHOP_KILLED', 'PLUGIN_COMPILE_TIMEOUT']);

const UNSURE_AT_ONCE = 2;

export function createPluginRegistry(needs: PluginRegistryNeeds): PluginRegistry {
  const { files, folder } = needs;
  const registry = new Map<string, Shelved>();
  /** Judgements that go on, also of plugins that are gone meanwhile. */
  const active = new Set<Promise<void>>();

  function take(turn: number, full: boolean) {
    const byName = pluginFiles(files);
    for (const name of registry.keys()) if (!byName.has(name)) registry.delete(name);
    const newest = newestPartOf(files);
    for (const [name, paths] of byName) {
      const shelved = registry.get(name) ?? blank(paths[0]!, needs.remembered(name));
      registry.set(name, shelved);
      if (paths.length > 1) {
        shelved.problem = nameConflict(name, paths);
        shelved.decision = undefined;
        continue;
      }
      if (shelved.file !== paths[0]) Object.assign(shelved, { file: paths[0], decision: undefined });
      if (!shelved.running && isDue(shelved, needs, newest, full)) begin(name, shelved, turn);
    }
  }

  function begin(name: string, shelved: Shelved, turn: number) {
    const { file } = shelved;
    shelved.turn = turn;
    const { lookups = [] } = shelved.decision ?? shelved.good ?? {};
    const running = buildPlugin({ name, entry: file, folder, lookups }, needs)
      .catch((error): BuildResult => {
        const hash = files.get(file)?.hash ?? null;
        const fault = { ...toPlainFault(error, 'WORKSHOP_FAILED'), file };
        return { fault, inputs: [{ path: file, hash }], lookups: [] };
      })
      .then((decision) => {
        shelved.running = undefined;
        // The file may have been renamed or removed meanwhile.
        if (registry.get(name) !== shelved || shelved.file !== file) return;
        shelved.decision = decision;
        shelved.judgements += 1;
        shelved.unsure = decision.lookups.some(({ answer }) => answer === UNSURE) ? shelved.unsure + 1 : 0;
        shelved.problem = decision.fault;
        shelved.good = decision.version ?? shelved.good;
      })
      .then(() => {
        active.delete(running);
        needs.judged(name);
      });
    shelved.running = running;
    active.add(running);
  }

  function partsOf({ decision, good }: Shelved): readonly { path: string }[] {
    return decision?.inputs ?? good?.inputs ?? [];
  }

  /** A file that has the name of a plugin, exports none, and is imported by one: a helper. While others are judged, it may be. */
  function isHelper(name: string, { file, good, problem }: Shelved): boolean {
    if (good || problem?.code !== 'PLUGIN_EXPORT') return false;
    if (active.size > 0) return true;
    const { real = file } = files.get(file) ?? {};
    return [...registry].some(
      ([other, one]) => other !== name && partsOf(one).some(({ path }) => path === file || path === real),
    );
  }

  return {
    take,
    plugins() {
      const facts = new Map<string, PluginFacts>();
      for (const [name, shelved] of registry) {
        const { file, good, problem } = shelved;
        if (!isHelper(name, shelved)) facts.set(name, { file, good, problem });
      }
      return facts;
    },
    problems: () =>
      [...registry].flatMap(([name, shelved]) =>
        shelved.problem && !isHelper(name, shelved) ? [shelved.problem] : [],
      ),
    judged() {
      const counts = new Map<string, number>();
      for (const [name, { running, judgements }] of registry) if (!running) counts.set(name, judgements);
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
    async settled() {
      while (active.size > 0) await Promise.all(active);
    },
  };
}

function blank(file: string, good: StoredVersion | undefined): Shelved {
  const never = { problem: undefined, decision: undefined, running: undefined };
  return { file, good, ...never, turn: -1, judgements: 0, unsure: 0 };
}

/**
 * Whether a plugin must be judged (again): one of its inputs is another one now. A state that settled before the last
 * judgement began proves nothing: the compiler may have read a newer one, which will settle in its turn.
 */
function isDue(
  shelved: Shelved,
  { files, answers }: Pick<PluginRegistryNeeds, 'files' | 'answers'>,
  newestPart: number,
  full: boolean,
): boolean {
  const { decision, turn } = shelved;
  if (!decision) return true;
  const changed = decision.inputs.some(({ path, hash }) => {
    const now = files.get(path);
    return now !== undefined && now.hash !== hash && now.turn > turn;
  });
  // Where something is written all the time, every judgement is unsure: from the third on it waits for the next scan.
  if (shelved.unsure > 0 && (full || shelved.unsure <= UNSURE_AT_ONCE)) return true;
  const answeredAnew = decision.lookups.some((lookup) => {
    const now = answers.get(keyOf(lookup));
    return now !== undefined && lookup.answer !== UNSURE && now.answer !== lookup.answer && now.turn > turn;
  });
  const entry = files.get(shelved.file);
  if (changed || answeredAnew || (entry?.real !== decision.real && entry!.turn > turn)) return true;
  // Which file an import meant that was not found, nobody knows: any new part may be it.
  return decision.fault !== undefined && OUTER.has(decision.fault.code) && (full || newestPart > turn);
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
