import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

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
export const ANYTHING = '*';
/** The number of folders that are watched, at most; the scan has to do for others. */
const MOST_FOLDERS = 256;

export function watchInputs(hint: () => void): InputWatch {
  const folders = new Map<string, { names: Set<string>; watcher: FSWatcher | undefined }>();

  function open(folder: string, names: Set<string>): FSWatcher | undefined {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
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
