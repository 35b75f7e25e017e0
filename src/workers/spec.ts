import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Agent } from '../jobs/agent.ts';
import { given as givenOf } from '../kernel/given.ts';
import type { LogLevel } from '../kernel/log.ts';
import { entryFile, packageFile } from '../kernel/paths.ts';
import { LENT_FILES } from '../kernel/plugin-modules.ts';
import { realOf } from '../kernel/real-path.ts';
import { foldersOf, permissionFlagsOf } from './permissions.ts';
import type { ModelAccess } from './ports.ts';
import type { Rehearsal } from './rehearsal.ts';
import type { MarkerPlace, WorkerSpec } from './wire.ts';

/** Files of Daruma itself that a worker loads. */
const OWN = [
  entryFile('workers/inside/boot.js'),
  entryFile('workers/inside/postgres/driver.js'),
  ...LENT_FILES,
  packageFile('package.json'),
].map((url) => fileURLToPath(url));

interface SpecTerms {
  folder: string;
  bootMs: number;
  level: LogLevel;
  markerPlace: MarkerPlace | null;
  traced: boolean;
  secrets: Record<string, string>;
  llm: ModelAccess | null;
  rehearsal?: Rehearsal | undefined;
}

/** Writes down all that a cell needs to start a worker of the agent. */
export function specOf(agent: Agent, terms: SpecTerms): WorkerSpec {
  const { needs, limits, version } = agent;
  const { rehearsal } = terms;
  const folder = rehearsal?.folder ?? terms.folder;
  return {
    agent: agent.name,
    file: version.file,
    mapFile: version.mapFile,
    folder,
    settings: agent.settings,
    secrets: terms.secrets,
    env: envOf(needs.env, rehearsal?.env ?? process.env),
    execArgv: permissionFlagsOf({
      needs,
      folder,
      file: version.file,
      reads: version.reads ?? [],
      own: OWN,
      real: realOf,
      audits: rehearsal?.learns === true,
    }),
    concurrency: agent.concurrency ?? 1,
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
    llm: terms.llm && { baseURL: terms.llm.baseURL, key: terms.llm.key, model: terms.llm.model },
    level: terms.level,
    markerPlace: terms.markerPlace,
    traced: terms.traced,
    ...(rehearsal ? { rehearsal: threadTermsOf(rehearsal) } : {}),
  };
}

function threadTermsOf({ now, net, learns, dryRun }: Rehearsal): WorkerSpec['rehearsal'] {
  return { now, net, ...givenOf({ learns, dryRun }) };
}

/** An object without a prototype: a variable may be called `toString`. */
function envOf(names: readonly string[], given: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(given, name) ? [[name, given[name]!] as const] : [])),
  );
}

/**
 * Makes the folders that an agent may write, before its cell puts up its fences: Landlock grants only paths that exist.
 */
export function makeFolders({ needs }: Agent, folder: string): void {
  for (const path of foldersOf(needs.write, folder)) makeFolder(path);
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch {
    // A file of that name, or a disk that says no: the plugin's own write tells it best.
  }
}
