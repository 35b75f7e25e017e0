import { realpathSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { PlainFault } from '../../kernel/fault.ts';
import { isLibraryFile, isListed, type PluginInputs } from './file-scanner.ts';
import { ANYTHING, watchInputs } from './input-watch.ts';
import { AGENTS, DEEPEST, isWanted, PLUGINS } from './list.ts';

/** What there is to watch beside the two folders, and what of them is left out. */
interface WatchTerms {
  /** Folders that hold too much, relative to the installation. */
  tooBig: readonly string[];
  /** What plugins are made of, wherever it lies. */
  also: PluginInputs;
}

/**
 * Tells that something in the folders may have changed. Only a hint, however it fails: an event queue that overflows,
 * a limit of the system or a network file system lose events in silence, and the scan finds the change anyway.
 */
export interface FolderWatch {
  /** Watches anew when a folder has become another one (a symbolic link that was turned, a folder that came back). */
  refresh(terms: WatchTerms): Promise<void>;
  /** What keeps it from seeing; empty while all is well. */
  trouble(): PlainFault[];
  close(): Promise<void>;
}

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
        // A link may lead to `/`: what plugins import from behind one is watched by itself.
        followSymlinks: false,
        // Whether a file is finished is decided in one place, by the scan, for events and for its own finds alike.
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

/** What the watcher of the two folders does not see. Libraries are left to the scan, for they change by an install. */
function* besideOf({ inputs, lookups }: PluginInputs, tooBig: readonly string[], folder: string): Iterable<string> {
  const isSeen = (path: string) => isListed(path) && !tooBig.some((big) => path.startsWith(`${big}/`));
  for (const path of inputs) if (!isLibraryFile(path) && !isSeen(path)) yield resolve(folder, path);
  for (const { ask, path } of lookups) {
    if (isLibraryFile(path) || isAbsolute(path) || isSeen(path)) continue;
    // What comes to a folder shows itself in that folder.
    yield resolve(folder, path, ask === 'tree' ? ANYTHING : '');
  }
}

/** Where a folder really is; empty while it is not there. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return '';
  }
}
