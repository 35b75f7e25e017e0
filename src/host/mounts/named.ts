import { readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Agent } from '../../jobs/agent.ts';
import { type Mount, mountOf, parseMounts } from '../../kernel/mounts.ts';
import type { MountPaths } from './check.ts';
import { foreignMountOf } from './foreign.ts';

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
  let mounts: readonly Mount[] = [];
  let own: ReadonlySet<string> = new Set();
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
        const mount = foreignMountOf(path, { mounts, own, target: linkTarget });
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
      mounts = parseMounts(now);
      own = new Set(['/', folder].flatMap((path) => mountOf(path, mounts)?.device ?? []));
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

function mountsOfMachine(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    // Another system than Linux: nobody says what is mounted where.
    return '';
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
