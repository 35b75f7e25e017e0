import { locationOf, type PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { PLUGINS, type SettledFile } from './watching/file-scanner.ts';

/** The problems of the present state of the files. Each is logged once when it appears, and once when it is gone. */
interface Problems {
  all(): PlainFault[];
  /** Takes the whole present list. */
  set(now: Iterable<PlainFault>): void;
}

export function createProblems(log: Log): Problems {
  let present = new Map<string, PlainFault>();
  return {
    all: () => [...present.values()],
    set(now) {
      const next = new Map<string, PlainFault>();
      for (const fault of now) next.set(keyOf(fault), fault);
      for (const [key, fault] of next) {
        if (present.has(key)) continue;
        const place = locationOf(fault);
        log.warn(`${place ? `${place} ` : ''}${fault.message}`, { fault });
      }
      const spoken = new Set<string | undefined>([...next.values()].map(({ file }) => file));
      for (const [key, fault] of present) {
        // A file whose problem is only another one now is not mended.
        if (next.has(key) || (fault.file && spoken.has(fault.file))) continue;
        log.info(`${fault.file ?? fault.code}: the problem is gone`, { code: fault.code });
      }
      present = next;
    },
  };
}

function keyOf({ code, file, line, column, message }: PlainFault): string {
  return JSON.stringify([code, file, line, column, message]);
}

/** Folders that vanished under their agents; `agents/` may be missing as long as nothing was ever in it. */
export function folderProblems(
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
