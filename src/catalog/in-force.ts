import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toPlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { Log } from '../kernel/log.ts';
import { sha256 } from '../kernel/sha256.ts';
import type { GoneAgent } from './ports.ts';
import type { Resolved } from './resolve/agent.ts';
import type { Rollout } from './rollout/rollout.ts';
import { BUNDLE_FILE, MAP_FILE } from './versions/files.ts';
import type { StoredVersion } from './versions/versions.ts';

/** The set in force when it was last written: a restart goes on from it when the files are broken. */
export interface InForce {
  /** The good version of each plugin, by name. */
  plugins: ReadonlyMap<string, string>;
  /** The last good text of each agent file, by agent. */
  files: ReadonlyMap<string, { file: string; text: string }>;
  agents: ReadonlyMap<string, Resolved>;
  rollouts: ReadonlyMap<string, Rollout>;
  gone: readonly GoneAgent[];
}

/** The set of a first start. */
export const NOTHING_IN_FORCE: InForce = {
  plugins: new Map(),
  files: new Map(),
  agents: new Map(),
  rollouts: new Map(),
  gone: [],
};

/** A word of the file for a good state that is in force: that state is in the file already. */
const IN_FORCE = 'in force';

/** Keeps {@link InForce} in the versions' folder. */
interface InForceFile {
  /** Reads the set of an earlier host; an empty set when the file cannot be read. */
  read(): Promise<InForce>;
  /** Writes the set when it has changed, and then calls `after`; a write that fails costs only the memory of it. */
  write(now: InForce, after: () => Promise<void>): void;
  /** Resolves when nothing is being written. */
  settled(): Promise<void>;
}

const FILE = 'in-force.json';
const FORMAT = 1;

/** The file in the versions' folder `folder`; nothing is read or written yet. */
export function createInForceFile(folder: string, log: Log): InForceFile {
  const file = join(folder, FILE);
  let last: InForce | undefined;
  let due: (() => Promise<void>) | undefined;
  let writing: Promise<void> | undefined;

  /** A version lies where the versions are now: the installation may have been moved, or come out of a backup. */
  function rooted(key: string, value: unknown): unknown {
    if (key !== 'version' || typeof value !== 'object' || value === null) return value;
    const { plugin, id } = value as { plugin?: unknown; id?: unknown };
    if (typeof plugin !== 'string' || typeof id !== 'string') return value;
    const at = join(folder, plugin, id);
    return { ...value, file: join(at, BUNDLE_FILE), mapFile: join(at, MAP_FILE) };
  }

  async function writeAll() {
    for (let next = due; next; next = due) {
      due = undefined;
      await next().catch((error) =>
        log.warn('the versions in force could not be written down', { fault: toPlainFault(error) }),
      );
    }
    writing = undefined;
  }

  return {
    async read() {
      try {
        const { format, ...found } = JSON.parse(await readFile(file, 'utf8'), rooted);
        if (format !== FORMAT) return NOTHING_IN_FORCE;
        // Agents may be called `constructor`: a map is keyed by their names.
        const mapOf = <T>(value: unknown) => new Map(Object.entries((value ?? {}) as Record<string, T>));
        const agents = new Map([...mapOf<Resolved>(found.agents)].filter(([, one]) => isAgent(one)));
        const kept = mapOf<KeptRollout>(found.rollouts ?? found.standings);
        const rollouts = new Map([...kept].map(([name, one]) => [name, rolloutOf(one, agents.get(name) ?? null)]));
        return { plugins: mapOf(found.plugins), files: mapOf(found.files), agents, rollouts, gone: found.gone ?? [] };
      } catch {
        return NOTHING_IN_FORCE;
      }
    },
    write(now, after) {
      if (last && isSame(last, now)) return;
      last = now;
      // A set that still waits to be written is out of date: only the newest counts.
      due = async () => {
        const plain = {
          format: FORMAT,
          plugins: Object.fromEntries(now.plugins),
          files: Object.fromEntries(now.files),
          agents: Object.fromEntries(now.agents),
          rollouts: packed(now),
          gone: now.gone,
        };
        await writeFile(`${file}.tmp`, JSON.stringify(plain), { mode: 0o600 });
        // The rename takes effect as a whole: a power cut leaves the old file.
        await rename(`${file}.tmp`, file);
        await after();
      };
      writing ??= writeAll();
    },
    async settled() {
      await writing;
    },
  };
}

/** Whether the row of an agent has what a start cannot do without: a file that is damaged must not stop a host. */
function isAgent(one: Partial<Resolved> | null): boolean {
  const version = one?.agent?.version as { plugin?: unknown; id?: unknown } | undefined;
  return typeof version?.plugin === 'string' && typeof version.id === 'string';
}

/** A rollout as files hold it. Earlier hosts called all of them `standings`, the probation `trial` and waived causes `excused`. */
interface KeptRollout extends Omit<Rollout, 'good'> {
  good: Resolved | typeof IN_FORCE | null;
  trial?: (Omit<NonNullable<Rollout['probation']>, 'waived'> & { excused?: string[] }) | null;
}

/** An upgrade must not forget which versions are good: files of earlier hosts are read by their old names, too. */
function rolloutOf({ trial, ...kept }: KeptRollout, inForce: Resolved | null): Rollout {
  const renamed = <T extends object>({ excused, ...one }: T & { excused?: string[] }) =>
    ({ ...given({ waived: excused }), ...one }) as unknown as T & { waived: string[] };
  const probation = kept.probation ?? trial;
  return {
    ...kept,
    good: kept.good === IN_FORCE ? inForce : kept.good,
    probation: probation ? renamed(probation) : null,
    bad: (kept.bad ?? []).map(renamed),
  };
}

function packed({ rollouts, agents }: InForce): Record<string, unknown> {
  return Object.fromEntries(
    [...rollouts].map(([name, one]) =>
      one.good && one.good === agents.get(name) ? [name, { ...one, good: IN_FORCE }] : [name, one],
    ),
  );
}

/** Agents are compared by identity: an agent that did not change is the same object. */
function isSame(a: InForce, b: InForce): boolean {
  return (
    a.rollouts === b.rollouts &&
    a.gone === b.gone &&
    hasSame(a.agents, b.agents, (one, two) => one === two) &&
    hasSame(a.plugins, b.plugins, (one, two) => one === two) &&
    hasSame(a.files, b.files, (one, two) => one.file === two.file && one.text === two.text)
  );
}

function hasSame<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>, same: (one: T, two: T) => boolean): boolean {
  return a.size === b.size && [...a].every(([name, one]) => b.has(name) && same(one, b.get(name)!));
}

/** The files of the set, with their hashes; the text of agent files too. */
export function filesOf(
  inForce: InForce,
  versionOf: (plugin: string, id: string) => StoredVersion | undefined,
): { path: string; hash: string; text?: string }[] {
  const files: { path: string; hash: string; text?: string }[] = [];
  for (const [plugin, id] of inForce.plugins) {
    const version = versionOf(plugin, id);
    for (const { path, hash } of version?.inputs ?? []) if (hash) files.push({ path, hash });
  }
  for (const { file, text } of inForce.files.values()) {
    files.push({ path: file, text, hash: sha256(text) });
  }
  return files;
}
