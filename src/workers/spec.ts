import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Agent } from '../jobs/agent.ts';
import { entryFile } from '../kernel/entry.ts';
import type { LogLevel } from '../kernel/log.ts';
import { foldersOf, grantsOf } from './grants.ts';
import type { WorkerSpec } from './wire.ts';

/** What a worker loads of Daruma itself. */
const OWN = ['.', '../kernel', '../plugin', '../../package.json'].map((path) =>
  fileURLToPath(entryFile(path, import.meta.url)),
);

export interface SpecTerms {
  folder: string;
  bootMs: number;
  level: LogLevel;
  ledgerAt: number | null;
  secrets: Record<string, string>;
}

/** Writes down all that a cell needs to start a worker of the agent, and makes the folders that it may write. */
export function specOf(agent: Agent, terms: SpecTerms): WorkerSpec {
  const { needs, limits, version } = agent;
  for (const path of foldersOf(needs.write, terms.folder)) makeFolder(path);
  const env: Record<string, string> = {};
  for (const name of needs.env) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return {
    agent: agent.name,
    file: version.file,
    mapFile: version.mapFile,
    folder: terms.folder,
    settings: agent.settings,
    secrets: terms.secrets,
    env,
    execArgv: grantsOf({ needs, folder: terms.folder, file: version.file, own: OWN }),
    limits: {
      memoryBytes: limits.memoryBytes,
      timeoutMs: limits.timeoutMs,
      silenceMs: limits.silenceMs,
      graceMs: limits.graceMs,
      bootMs: terms.bootMs,
    },
    net: needs.net,
    modules: needs.modules,
    fleet: needs.fleet,
    level: terms.level,
    ledgerAt: terms.ledgerAt,
  };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch {
    // A file of that name, or a disk that says no: the plugin's own write tells it best.
  }
}
