import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FenceTerms } from '../fence/terms.ts';
import type { Agent } from '../jobs/agent.ts';
import { packageFile } from '../kernel/paths.ts';
import type { Needs } from '../plugin/define.ts';
import { namedPortsOf, portsOf } from './host-allow-list.ts';

interface PermissionTerms {
  needs: Pick<Required<Needs>, 'read' | 'write' | 'net' | 'modules' | 'llm'>;
  /** The installation: relative paths are inside it. */
  folder: string;
  /** The bundle. */
  file: string;
  /** Paths of the version's own files that it may read, absolute. */
  reads: readonly string[];
  /** Files and folders of Daruma itself that a worker loads. */
  own: readonly string[];
  /** Where a path leads with links followed. */
  real(path: string): string;
  /**
   * Audit: Node denies nothing and publishes each access beyond the code itself. Used only in a cell behind the
   * kernel's fences.
   */
  audits?: boolean;
}

/** The flags that a worker is started with: everything that they do not name is denied by Node itself. */
export function permissionFlagsOf(terms: PermissionTerms): string[] {
  const { needs } = terms;
  const code = [terms.file, ...terms.reads, ...terms.own];
  // No permission covers SQLite: it opens any file. Main's flag says nothing to a thread that has flags of its own.
  const sqlite = needs.modules.includes('node:sqlite') ? [] : ['--no-experimental-sqlite'];
  if (terms.audits) {
    const grants = code.map((path) => `--allow-fs-read=${granted(path)}`);
    // An audit lets add-ons load, too.
    return ['--no-warnings', '--permission-audit', '--no-addons', ...grants, ...sqlite];
  }
  const read = [...code, ...grantsOf(needs.read, terms), ...grantsOf(needs.write, terms)];
  return [
    '--no-warnings',
    '--permission',
    ...read.map((path) => `--allow-fs-read=${granted(path)}`),
    ...grantsOf(needs.write, terms).map((path) => `--allow-fs-write=${granted(path)}`),
    ...(needs.net.length > 0 || needs.llm ? ['--allow-net'] : []),
    ...sqlite,
  ];
}

/**
 * The flags of a cell's own process. The main thread starts workers and puts up the fences, which needs `worker` and
 * `ffi`; it reads source maps of plugins. Workers have flags of their own, which these do not bound. `read`: where
 * Landlock is not there to narrow it; default everything.
 */
export function cellFlags(read: readonly string[] = ['*']): string[] {
  return [
    '--no-warnings',
    '--disable-sigusr1',
    '--permission',
    ...read.map((path) => `--allow-fs-read=${granted(path)}`),
    '--allow-fs-write=/proc/self/oom_score_adj',
    '--allow-worker',
    '--allow-ffi',
  ];
}

/** Node takes a grant of `/` for all that is below it and leaves `/` itself out (measured on 26.10). */
const granted = (path: string) => (path === '/' ? '*' : path);

/** Grants for the paths as written and for their targets: the catalog has a note for each path that leads elsewhere. */
function grantsOf(paths: readonly string[], { folder, real }: PermissionTerms): string[] {
  return [...new Set(foldersOf(paths, folder).flatMap((path) => [path, real(path)]))];
}

/** Absolute paths. */
export function foldersOf(paths: readonly string[], folder: string): string[] {
  return paths.map((path) => resolve(folder, path));
}

/** Code of Daruma itself: compiled files and their maps. */
const OWN_CODE = ['dist', 'package.json'].map((path) => fileURLToPath(packageFile(path)));

/**
 * The fences of an agent's own cell: what this version of it may use, and nothing else. `folder`: where relative paths begin.
 * `modelPort`: of the model gateway, for an agent that may ask it.
 */
export function ownTerms(agent: Agent, folder: string, modelPort?: number): FenceTerms {
  const { needs } = agent;
  return {
    read: [...OWN_CODE, ...codeOf(agent), ...foldersOf(needs.read, folder)],
    write: foldersOf(needs.write, folder),
    othersFiles: needs.read.length + needs.write.length > 0,
    ports: withPort(portsOf(needs.net), modelPort),
    listen: namedPortsOf(needs.net),
  };
}

function withPort(ports: FenceTerms['ports'], port: number | undefined): FenceTerms['ports'] {
  if (port === undefined || ports === 'any') return ports;
  return [...new Set([...(ports ?? []), port])].sort((one, other) => one - other);
}

/** The fences of a cell that agents without rights share: code, and nothing else. `folder`: of the installation. */
export function sharedTerms(agent: Agent | undefined, folder: string, codeFolders: readonly string[]): FenceTerms {
  const code = [...codeFolders, join(folder, 'data/versions'), join(folder, 'node_modules')];
  const own = (agent ? codeOf(agent) : []).filter((path) => !isBelow(path, code));
  return { read: [...OWN_CODE, ...code, ...own], write: [], ports: null };
}

/** Whether a cell with such fences can run the code of an agent without rights. */
export function servesCode({ read }: FenceTerms, agent: Agent): boolean {
  return codeOf(agent).every((path) => isBelow(path, read));
}

/** Equal for terms that mean the same. */
export const keyOfTerms = ({ read, write, ports, listen }: FenceTerms): string =>
  JSON.stringify([read, write, ports, listen]);

/** Folders, not files: a source map is replaced when comments move. */
function codeOf({ version }: Agent): string[] {
  return [...new Set([dirname(version.file), dirname(version.mapFile), ...(version.reads ?? [])])];
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`));
}

/** Paths that the main thread of a cell may read by Node's flags where no Landlock narrows it. */
export function readBy(terms: FenceTerms | undefined): string[] {
  return [...(terms?.read ?? OWN_CODE), '/proc'];
}
