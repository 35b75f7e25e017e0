import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { PlainFault } from '../../kernel/fault.ts';
import { AGENTS, DEEPEST, PLUGINS, WANTED } from './eyes.ts';

/**
 * Tells that something in the folders may have changed. Only a hint, however it fails: an event queue that overflows,
 * a limit of the system or a network file system lose events in silence, and the scan finds the change anyway.
 */
export interface Watch {
  /** Watches anew when a folder has become another one (a symbolic link that was turned, a folder that came back). */
  refresh(): Promise<void>;
  /** What keeps it from seeing; empty while all is well. */
  trouble(): PlainFault[];
  close(): Promise<void>;
}

export function watchFolders(folder: string, hint: () => void): Watch {
  let watcher: FSWatcher | undefined;
  let watched = '';
  let trouble: PlainFault[] = [];
  let closed = false;

  async function refresh() {
    const roots = [PLUGINS, AGENTS].map((root) => realOf(join(folder, root)));
    const key = roots.join('\n');
    if (closed || key === watched) return;
    watched = key;
    await watcher?.close();
    if (closed) return;
    trouble = [];
    watcher = watch(
      roots.filter((root) => root !== ''),
      {
        ignoreInitial: true,
        depth: DEEPEST,
        // Whether a file is finished is decided in one place, by the scan, for events and for its own finds alike.
        awaitWriteFinish: false,
        ignored: (path, stats) => {
          const root = roots.find((one) => one !== '' && path.startsWith(one));
          if (/[\\/]node_modules(?:[\\/]|$)|[\\/]\.[^\\/]*$/.test(path.slice(root?.length ?? 0))) return true;
          return stats?.isFile() === true && !WANTED.plugins.test(path) && !WANTED.agents.test(path);
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
