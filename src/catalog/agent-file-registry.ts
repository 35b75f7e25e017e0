import type { PlainFault } from '../kernel/fault.ts';
import { logBuildResult } from './builder/build-plugin.ts';
import { type AgentFile, readAgentFile } from './files/agent-file.ts';
import { kindOfAgentFile } from './files/names.ts';
import { nameConflict } from './plugin-registry.ts';
import type { AgentFileFacts } from './resolve/set.ts';
import { AGENTS, type SettledFile } from './watching/file-scanner.ts';

/** All agent files of the installation, each with the last content that was good. */
interface AgentFileRegistry {
  files(): ReadonlyMap<string, AgentFileFacts>;
  problems(): PlainFault[];
  /** Takes the files as they are; true: an agent file is another one now, or gone. */
  readChanged(): boolean;
}

interface AgentFileRegistryNeeds {
  files: ReadonlyMap<string, SettledFile>;
  /** The last good content that an earlier host used. */
  remembered(agent: string): { file: string; text: string } | undefined;
  hostTimezone(): string;
  now(): number;
}

interface AgentFileEntry extends AgentFileFacts {
  hash: string | null;
}

/** A registry without files; `readChanged` fills it. */
export function createAgentFileRegistry(needs: AgentFileRegistryNeeds): AgentFileRegistry {
  const registry = new Map<string, AgentFileEntry>();

  function readChanged() {
    const byName = new Map<string, string[]>();
    for (const [path, file] of needs.files) {
      if (file.is === 'missing' || !path.startsWith(`${AGENTS}/`)) continue;
      const kind = kindOfAgentFile(path.slice(AGENTS.length + 1));
      if (kind.is === 'agent') byName.set(kind.name, [...(byName.get(kind.name) ?? []), path].sort());
    }
    let isOther = false;
    for (const name of registry.keys()) if (!byName.has(name)) isOther = registry.delete(name);
    for (const [name, paths] of byName) {
      const entry = registry.get(name) ?? { file: paths[0]!, good: recall(name), problem: undefined, hash: null };
      registry.set(name, entry);
      const before = entry.hash;
      if (paths.length === 1) read(name, paths[0]!, entry);
      else Object.assign(entry, { problem: nameConflict(name, paths), hash: paths.join() });
      isOther ||= entry.hash !== before;
    }
    return isOther;
  }

  function read(name: string, path: string, entry: AgentFileEntry) {
    const file = needs.files.get(path)!;
    if (entry.file === path && entry.hash === file.hash) return;
    entry.file = path;
    entry.hash = file.hash;
    if (file.is !== 'file') {
      entry.problem = logBuildResult(path, file);
      return;
    }
    const result = readSafely(name, path, file.text!);
    entry.problem = 'fault' in result ? result.fault : undefined;
    if ('good' in result) entry.good = result.good;
  }

  /** A file that no rule foresees is a problem of its own: all others are read all the same. */
  function readSafely(name: string, path: string, text: string): ReturnType<typeof readAgentFile> {
    try {
      return readAgentFile(name, path, text, { timezone: needs.hostTimezone(), now: needs.now() });
    } catch (error) {
      const message = `cannot be read: ${(error as Error).message}`;
      return {
        fault: { code: 'AGENT_FILE_FAILED', message, file: path, next: 'write it more simply, and report this' },
      };
    }
  }

  function recall(name: string): AgentFile | undefined {
    const known = needs.remembered(name);
    if (!known) return undefined;
    const result = readSafely(name, known.file, known.text);
    return 'good' in result ? result.good : undefined;
  }

  return {
    files: () => registry,
    problems: () => [...registry.values()].flatMap(({ problem }) => problem ?? []),
    readChanged,
  };
}
