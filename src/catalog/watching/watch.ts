import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { PlainFault } from '../../kernel/fault.ts';
import { AGENTS, DEEPEST, isWanted, PLUGINS } from './list.ts';

/** What there is to watch beside the two folders, and what of them is left out. */
export interface WatchTerms {
  /** Folders that hold too much, relative to the installation. */
  tooBig: readonly string[];
  /** Files outside of the two folders that plugins are made of; absolute, without symbolic links. */
  also: ReadonlySet<string>;
}

/**
 * Tells that something in the folders may have changed. Only a hint, however it fails: an event queue that overflows,
 * a limit of the system or a network file system lose events in silence, and the scan finds the change anyway.
 */
export interface Watch {
  /** Watches anew when a folder has become another one (a symbolic link that was turned, a folder that came back). */
  refresh(terms: WatchTerms): Promise<void>;
  /** What keeps it from seeing; empty while all is well. */
  trouble(): PlainFault[];
  close(): Promise<void>;
}

export function watchFolders(folder: string, hint: () => void): Watch {
  let watcher: FSWatcher | undefined;
  let watched = '';
  let trouble: PlainFault[] = [];
  let closed = false;
  /** Files outside of the folders that are watched. */
  const beside = new Set<string>();

  async function refresh({ tooBig, also }: WatchTerms) {
    const real = { [PLUGINS]: realOf(join(folder, PLUGINS)), [AGENTS]: realOf(join(folder, AGENTS)) };
    const roots = ([PLUGINS, AGENTS] as const).filter((root) => real[root] !== '');
    const left = new Set(tooBig.map((path) => realOf(join(folder, path))));
    const key = [...Object.values(real), ...left].join('\n');
    if (closed) return;
    if (key === watched) return watchAlso(also);
    watched = key;
    await watcher?.close();
    if (closed) return;
    trouble = [];
    beside.clear();
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
          if (beside.has(path)) return false;
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
    watchAlso(also);
  }

  function watchAlso(also: ReadonlySet<string>) {
    for (const path of beside) {
      if (also.has(path)) continue;
      beside.delete(path);
      watcher?.unwatch(path);
    }
    const fresh = [...also].filter((path) => !beside.has(path));
    for (const path of fresh) beside.add(path);
    if (fresh.length > 0) watcher?.add(fresh);
  }

  return {
    refresh,
    trouble: () => trouble,
    async close() {
      closed = true;
      await watcher?.close();
      watcher = undefined;
    },
  };
}

/** Where a folder really is; empty while it is not there. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return '';
  }
}
