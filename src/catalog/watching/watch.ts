import { realpathSync, type FSWatcher as SystemWatcher, watch as watchSystem } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { PlainFault } from '../../kernel/fault.ts';
import { isLibraryFile, isListed, type PluginInputs } from './file-scanner.ts';
import { AGENTS, DEEPEST, isWanted, PLUGINS } from './list.ts';

/** The paths to watch beside the two folders, and the folders that are left out. */
interface WatchTerms {
  /** Folders that hold too much, relative to the installation. */
  tooBig: readonly string[];
  /** The files and lookups that plugins are made of, wherever they lie. */
  also: PluginInputs;
}

/**
 * Hints that something in the folders may have changed. A hint may be lost: an event queue that overflows, a limit of
 * the system or a network file system lose events in silence, and the scan finds the change anyway.
 */
export interface FolderWatch {
  /** Watches anew when a folder has become another one (a symbolic link that was turned, a folder that came back). */
  refresh(terms: WatchTerms): Promise<void>;
  /** Faults that keep the watch from seeing; empty while all is well. */
  trouble(): PlainFault[];
  close(): Promise<void>;
}

/** Watches nothing before the first `refresh`. `hint` is called for each event. */
export function watchFolders(folder: string, hint: () => void): FolderWatch {
  let watcher: FSWatcher | undefined;
  let watched = '';
  let trouble: PlainFault[] = [];
  let closed = false;
  const inputs = watchInputs(hint);

  async function refresh({ tooBig, also }: WatchTerms) {
    const real = { [PLUGINS]: realOf(join(folder, PLUGINS)), [AGENTS]: realOf(join(folder, AGENTS)) };
    const roots = ([PLUGINS, AGENTS] as const).filter((root) => real[root] !== '');
    const left = new Set(tooBig.map((path) => realOf(join(folder, path))));
    const key = [...Object.values(real), ...left].join('\n');
    if (closed) return;
    inputs.set(besideOf(also, tooBig, folder));
    if (key === watched) return;
    watched = key;
    await watcher?.close();
    if (closed) return;
    trouble = [];
    watcher = watch(
      roots.map((root) => real[root]),
      {
        ignoreInitial: true,
        depth: DEEPEST,
        // A link may lead to `/`: files that plugins import from behind a link are watched by themselves.
        followSymlinks: false,
        // The scan alone decides whether a file is finished, for events and for its own finds alike.
        awaitWriteFinish: false,
        ignored: (path, stats) => {
          const root = roots.find((one) => path === real[one] || path.startsWith(`${real[one]}/`));
          const inside = root ? path.slice(real[root].length) : path;
          if (/[\\/]node_modules(?:[\\/]|$)|[\\/]\.[^\\/]*$/.test(inside) || left.has(path)) return true;
          return stats?.isFile() === true && root !== undefined && !isWanted(root, inside.slice(1));
        },
      },
    );
    watcher.on('all', hint);
    // Without a listener an error would end the host.
    watcher.on('error', (error) => {
      const fault: PlainFault = {
        code: 'WATCH_TROUBLE',
        message: `not every change is seen at once: ${(error as Error).message}; the folders are looked at every 30 s`,
        next: 'raise fs.inotify.max_user_watches and max_user_instances',
      };
      trouble = [fault];
    });
  }

  return {
    refresh,
    trouble: () => trouble,
    async close() {
      closed = true;
      inputs.close();
      await watcher?.close();
      watcher = undefined;
    },
  };
}

/**
 * The paths that the watcher of the two folders does not see. Libraries are left to the scan, for they change by an
 * install.
 */
function* besideOf({ inputs, lookups }: PluginInputs, tooBig: readonly string[], folder: string): Iterable<string> {
  const isSeen = (path: string) => isListed(path) && !tooBig.some((big) => path.startsWith(`${big}/`));
  for (const path of inputs) if (!isLibraryFile(path) && !isSeen(path)) yield resolve(folder, path);
  for (const { ask, path } of lookups) {
    if (isLibraryFile(path) || isAbsolute(path) || isSeen(path)) continue;
    // A new file shows itself in the folder to which it comes.
    yield resolve(folder, path, ask === 'tree' ? ANYTHING : '');
  }
}

/** The real path of a folder; empty while it is not there. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return '';
  }
}

/**
 * Watches single files, wherever they lie, by the folders that hold them. The watch only hints: the scan finds the
 * change.
 */
interface InputWatch {
  /** Watches these files and no others; absolute paths. Files that are not there yet are seen when they come. */
  set(files: Iterable<string>): void;
  close(): void;
}

/** A name for any file that comes to the folder. */
const ANYTHING = '*';
/** The number of folders that are watched, at most; the scan has to do for others. */
const MOST_FOLDERS = 256;

function watchInputs(hint: () => void): InputWatch {
  const folders = new Map<string, { names: Set<string>; watcher: SystemWatcher | undefined }>();

  function open(folder: string, names: Set<string>): SystemWatcher | undefined {
    try {
      const watcher = watchSystem(folder, { persistent: false }, (_, name) => {
        const wanted = folders.get(folder)?.names ?? names;
        if (name === null || wanted.has(name) || wanted.has(ANYTHING)) hint();
      });
      // A folder that goes away, or a limit of the system, ends the watch: the folder is watched anew when it is named
      // again.
      watcher.on('error', () => drop(folder));
      return watcher;
    } catch {
      return undefined;
    }
  }

  function drop(folder: string) {
    folders.get(folder)?.watcher?.close();
    folders.delete(folder);
  }

  return {
    set(files) {
      const wanted = new Map<string, Set<string>>();
      for (const file of files) {
        const names = wanted.get(dirname(file));
        if (names) names.add(basename(file));
        else if (wanted.size < MOST_FOLDERS) wanted.set(dirname(file), new Set([basename(file)]));
      }
      for (const folder of folders.keys()) if (!wanted.has(folder)) drop(folder);
      for (const [folder, names] of wanted) {
        const known = folders.get(folder);
        if (known?.watcher) known.names = names;
        else folders.set(folder, { names, watcher: open(folder, names) });
      }
    },
    close() {
      for (const folder of [...folders.keys()]) drop(folder);
    },
  };
}
