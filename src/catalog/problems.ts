import { locationOf, type PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { grantNotes, scheduleNotes, withTopics } from './agent-notes.ts';
import type { CurrentSet } from './current-set.ts';
import { recordGoneAgents } from './gone-agents.ts';
import type { PluginRegistry } from './plugin-registry.ts';
import type { PluginFacts } from './resolve/set.ts';
import { type UnrecognizedFiles, unrecognizedFilesOf } from './unrecognized-files.ts';
import { type FileScanner, PLUGINS, type SettledFile } from './watching/file-scanner.ts';
import type { FolderState } from './watching/scan-loop.ts';

interface ProblemsNeeds {
  log: Log;
  /** The installation, absolute. */
  folder: string;
  scanner: Pick<FileScanner, 'files'>;
  pluginRegistry: Pick<PluginRegistry, 'idle' | 'madeOf' | 'problems'>;
  agentFiles: { problems(): PlainFault[] };
  current: Pick<CurrentSet, 'agents' | 'listings' | 'gone'>;
}

/** The problems and notes of the present state of the files. Each is logged when it appears, and when it is gone. */
interface Problems {
  problems(): PlainFault[];
  notes(): PlainFault[];
  /** Problems of files that are neither plugin nor agent. */
  unrecognized(): readonly PlainFault[];
  /** Collects problems and notes anew. `trouble`: faults that keep the watcher from seeing. */
  update(now: { folderState: FolderState; trouble: PlainFault[]; plugins: ReadonlyMap<string, PluginFacts> }): void;
}

/** Knows of no problem before the first update. */
export function createProblems(needs: ProblemsNeeds): Problems {
  const { log, folder, scanner, pluginRegistry, agentFiles, current } = needs;
  const problems = createFaultList(log);
  const notes = createFaultList(log);
  let unrecognized: UnrecognizedFiles = { problems: [], notes: [] };

  return {
    problems: problems.all,
    notes: notes.all,
    unrecognized: () => unrecognized.problems,
    update({ folderState, trouble, plugins }) {
      const { list, unsettled } = folderState;
      const agents = current.agents();
      // The imports of a plugin are known when it is compiled.
      if (pluginRegistry.idle()) {
        const { inputs } = pluginRegistry.madeOf(false);
        const isWhole = !unsettled && [...plugins.values()].every(({ problem }) => !problem);
        const { files } = scanner;
        unrecognized = withTopics(unrecognizedFilesOf({ files, list, inputs, isWhole }), agents, plugins);
      }
      problems.set([
        ...folderProblems(list.missing, scanner.files, agents.size > 0),
        ...unrecognized.problems,
        ...trouble,
        ...pluginRegistry.problems(),
        ...agentFiles.problems(),
        ...current.listings().flatMap(({ problem }) => problem ?? []),
      ]);
      const gone = recordGoneAgents(current.gone());
      notes.set([...gone, ...unrecognized.notes, ...scheduleNotes(agents), ...grantNotes(agents, folder)]);
    },
  };
}

/** Faults of the present: each is logged once when it appears, and once when it is gone. */
function createFaultList(log: Log) {
  let present = new Map<string, PlainFault>();
  return {
    all: () => [...present.values()],
    set(now: Iterable<PlainFault>) {
      const next = new Map<string, PlainFault>();
      for (const fault of now) next.set(keyOf(fault), fault);
      for (const [key, fault] of next) {
        if (present.has(key)) continue;
        const place = locationOf(fault);
        log.warn(`${place ? `${place} ` : ''}${fault.message}`, { fault });
      }
      const named = new Set<string | undefined>([...next.values()].map(({ file }) => file));
      for (const [key, fault] of present) {
        // A file whose problem is only another problem now is not mended.
        if (next.has(key) || (fault.file && named.has(fault.file))) continue;
        log.info(`${fault.file ?? fault.code}: the problem is gone`, { code: fault.code });
      }
      present = next;
    },
  };
}

function keyOf({ code, file, line, column, message }: PlainFault): string {
  return JSON.stringify([code, file, line, column, message]);
}

/** Folders that vanished under their agents; `agents/` may be missing as long as it never held a file. */
function folderProblems(
  missing: readonly string[],
  files: ReadonlyMap<string, SettledFile>,
  running: boolean,
): PlainFault[] {
  const paths = [...files].flatMap(([path, { is }]) => (is === 'missing' ? [] : path));
  return missing
    .filter((root) => root === PLUGINS || paths.some((path) => path.startsWith(`${root}/`)))
    .map((root) => ({
      code: 'FOLDER_MISSING',
      message: `the folder ${root}/ is not there${running ? '; the agents that it described go on running' : ''}`,
      file: root,
      next: `mkdir ${root}`,
    }));
}
