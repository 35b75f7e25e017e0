import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Resolved } from './resolve/agent.ts';
import type { Standing } from './standing/standing.ts';
import type { StoredVersion } from './versions/versions.ts';

/** What was in force when it was last written: the state that a restart goes on from when the files are broken. */
export interface InForce {
  /** The good version of each plugin, by name. */
  plugins: Record<string, string>;
  /** The last good text of each agent file, by agent. */
  files: Record<string, { file: string; text: string }>;
  agents: Record<string, Resolved>;
  standings: Record<string, Standing>;
}

export const NOTHING_IN_FORCE: InForce = { plugins: {}, files: {}, agents: {}, standings: {} };

/** Stands in the file for a good state that is in force: it is there already. */
const IN_FORCE = 'in force';

/** Keeps {@link InForce} in the versions' folder. */
export interface InForceFile {
  /** What an earlier host left; nothing when it cannot be read. */
  read(): Promise<InForce>;
  /** Writes it down when it has changed, and then calls `after`; a write that fails costs only the memory of it. */
  write(now: InForce, after: () => Promise<void>): void;
  /** Resolves when nothing is being written. */
  settled(): Promise<void>;
}

const FILE = 'in-force.json';
const FORMAT = 1;

export function createInForceFile(folder: string, log: Log): InForceFile {
  const file = join(folder, FILE);
  let last: InForce | undefined;
  let due: (() => Promise<void>) | undefined;
  let writing: Promise<void> | undefined;

  async function writeAll() {
    for (let next = due; next; next = due) {
      due = undefined;
      await next().catch((error) =>
        log.warn('what is in force could not be written down', { fault: toPlainFault(error) }),
      );
    }
    writing = undefined;
  }

  return {
    async read() {
      try {
        const { format, ...found } = JSON.parse(await readFile(file, 'utf8'));
        if (format !== FORMAT) return NOTHING_IN_FORCE;
        const read: InForce = { ...NOTHING_IN_FORCE, ...found };
        for (const [name, standing] of Object.entries(
          read.standings as Record<string, Omit<Standing, 'good'> & { good: unknown }>,
        )) {
          if (standing.good === IN_FORCE) (standing as Standing).good = read.agents[name] ?? null;
        }
        return read;
      } catch {
        return NOTHING_IN_FORCE;
      }
    },
    write(now, after) {
      if (last && isSame(last, now)) return;
      last = now;
      // What is still waiting to be written is out of date: only the newest counts.
      due = async () => {
        await writeFile(`${file}.tmp`, JSON.stringify({ format: FORMAT, ...now, standings: packed(now) }));
        // As a whole: a cut leaves the old one.
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

function packed({ standings, agents }: InForce): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(standings).map(([name, one]) =>
      one.good && one.good === agents[name] ? [name, { ...one, good: IN_FORCE }] : [name, one],
    ),
  );
}

/** By identity of what is resolved: an agent that did not change is the same object. */
function isSame(a: InForce, b: InForce): boolean {
  return (
    a.standings === b.standings &&
    hasSame(a.agents, b.agents, (one, two) => one === two) &&
    hasSame(a.plugins, b.plugins, (one, two) => one === two) &&
    hasSame(a.files, b.files, (one, two) => one.file === two.file && one.text === two.text)
  );
}

function hasSame<T>(a: Record<string, T>, b: Record<string, T>, same: (one: T, two: T) => boolean): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => name in b && same(a[name]!, b[name]!));
}

/** The versions, as `plugin/id`, that something still stands on. */
export function versionsOf(inForce: InForce): Set<string> {
  const used = new Set(Object.entries(inForce.plugins).map(([plugin, id]) => `${plugin}/${id}`));
  for (const { agent } of Object.values(inForce.agents)) used.add(`${agent.version.plugin}/${agent.version.id}`);
  return used;
}

/** The files that it was made of, with their hashes; the text of agent files too. */
export function filesOf(
  inForce: InForce,
  versionOf: (plugin: string, id: string) => StoredVersion | undefined,
): { path: string; hash: string; text?: string }[] {
  const files: { path: string; hash: string; text?: string }[] = [];
  for (const [plugin, id] of Object.entries(inForce.plugins)) {
    const version = versionOf(plugin, id);
    for (const { path, hash } of version?.inputs ?? []) if (hash) files.push({ path, hash });
  }
  for (const { file, text } of Object.values(inForce.files)) {
    files.push({ path: file, text, hash: createHash('sha256').update(text).digest('hex') });
  }
  return files;
}
