import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownCgroup } from '../../../kernel/proc.ts';

/** Cgroups below the broker's own, one for each command: what is in one cannot leave it and dies at one write. */
export interface Cgroups {
  /** Puts the process into a new group; undefined when the system refuses. */
  enclose(name: string, pid: number): Cgroup | undefined;
  /** Kills what earlier brokers left in groups of the same name; returns how many. */
  clear(): number;
  close(): void;
}

interface Cgroup {
  pids(): number[];
  /** SIGKILL to all in it, at once. */
  kill(): void;
  /** Deletes the cgroup when it is empty; a second call tries again. */
  remove(): void;
}

/** Cgroups v2 where this process may make them (as root, or under systemd with `Delegate=yes`); else why not. */
export function openCgroups(name: string): Cgroups | { refused: string } {
  const own = ownCgroup();
  if (!own) return { refused: 'there is no cgroup v2 file system' };
  const base = join(own, name);
  try {
    mkdirSync(base, { recursive: true });
    // Kernels before 5.14 have no such file.
    readdirSync(base).includes('cgroup.kill') || refuse('this kernel has no cgroup.kill');
    writeFileSync(join(own, 'cgroup.procs'), String(process.pid));
  } catch (error) {
    removeTree(base);
    return { refused: (error as Error).message };
  }
  return {
    enclose(id, pid) {
      const folder = join(base, id);
      try {
        mkdirSync(folder);
        writeFileSync(join(folder, 'cgroup.procs'), String(pid));
        return cgroupAt(folder);
      } catch {
        removeTree(folder);
        return undefined;
      }
    },
    clear() {
      let count = 0;
      for (const child of foldersIn(base)) {
        const left = cgroupAt(join(base, child));
        count += left.pids().length;
        left.kill();
        left.remove();
      }
      return count;
    },
    close: () => removeTree(base),
  };
}

function cgroupAt(folder: string): Cgroup {
  return {
    pids: () => pidsIn(folder),
    kill: () => quietly(() => writeFileSync(join(folder, 'cgroup.kill'), '1')),
    remove: () => removeTree(folder),
  };
}

/** The pids of the group and of groups that were made within it. */
function pidsIn(folder: string): number[] {
  let text = '';
  quietly(() => {
    text = readFileSync(join(folder, 'cgroup.procs'), 'utf8');
  });
  return [
    ...text.split('\n').filter(Boolean).map(Number),
    ...foldersIn(folder).flatMap((child) => pidsIn(join(folder, child))),
  ];
}

/** The files in a cgroup folder cannot be deleted and need not be. */
function removeTree(folder: string): void {
  for (const child of foldersIn(folder)) removeTree(join(folder, child));
  quietly(() => rmdirSync(folder));
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function refuse(why: string): never {
  throw new Error(why);
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // The cgroup is gone, or not empty yet: the next look tells.
  }
}
