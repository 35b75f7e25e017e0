import { resolve } from 'node:path';
import type { Agent } from '../../jobs/agent.ts';
import { foreignPlace, type Mount, readMounts } from '../../kernel/mounts.ts';
import { mountsOfMachine } from '../../kernel/proc.ts';
import { linkTarget } from '../../kernel/real-path.ts';
import type { MountPaths } from './check.ts';

/** A file system of another device, with the paths of agents on it. */
export interface NamedMount {
  mount: Mount;
  /** By name. */
  agents: string[];
  paths: MountPaths;
}

/** The file systems that agents name in `needs.read` and `needs.write`, by the folders at which they begin. */
interface NamedMounts {
  /** Reads again what is mounted. */
  refresh(): void;
  /** Those that one agent names. */
  of(agent: Agent): ReadonlyMap<string, NamedMount>;
  /** Those that any of the agents names. */
  all(agents: Iterable<Agent>): ReadonlyMap<string, NamedMount>;
}

/** `folder`: the installation; relative paths are inside it, and its own device is left out. `mountinfo`: default /proc/self/mountinfo. */
export function createNamedMounts(folder: string, mountinfo: () => string = mountsOfMachine): NamedMounts {
  let text = '';
  let table = readMounts(folder, text);
  /** For as long as nothing is mounted or unmounted. */
  let known = new WeakMap<Agent, ReadonlyMap<string, NamedMount>>();

  function of(agent: Agent) {
    const found = known.get(agent) ?? namedBy(agent);
    known.set(agent, found);
    return found;
  }

  function namedBy({ name, needs }: Agent): ReadonlyMap<string, NamedMount> {
    const found = new Map<string, NamedMount & { paths: { read: string[]; write: string[] } }>();
    for (const kind of ['read', 'write'] as const)
      for (const path of needs[kind].map((one) => resolve(folder, one))) {
        const mount = foreignPlace(path, table, linkTarget)?.mount;
        if (!mount) continue;
        const one = found.get(mount.point) ?? { mount, agents: [name], paths: { read: [], write: [] } };
        found.set(mount.point, one);
        one.paths[kind].push(path);
      }
    return found;
  }

  return {
    refresh() {
      const now = mountinfo();
      if (now === text) return;
      text = now;
      table = readMounts(folder, now);
      known = new WeakMap();
    },
    of,
    all(agents) {
      const found = new Map<string, NamedMount>();
      for (const agent of agents)
        for (const [point, { mount, paths }] of of(agent)) {
          const before = found.get(point);
          const { read, write } = before?.paths ?? { read: [], write: [] };
          found.set(point, {
            mount,
            agents: [...(before?.agents ?? []), agent.name],
            paths: { read: distinct(read, paths.read), write: distinct(write, paths.write) },
          });
        }
      return found;
    },
  };
}

const distinct = (some: readonly string[], more: readonly string[]) => [...new Set([...some, ...more])];
