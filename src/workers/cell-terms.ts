import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FenceTerms } from '../fence/terms.ts';
import type { Agent } from '../jobs/agent.ts';
import { packageFile } from '../kernel/paths.ts';
import { namedPortsOf, portsOf } from './host-allow-list.ts';
import { foldersOf } from './permission-flags.ts';

/** Code of Daruma itself: compiled files and their maps. */
const OWN_CODE = ['dist', 'package.json'].map((path) => fileURLToPath(packageFile(path)));

/** The fences of an agent's own cell: what this version of it may use, and nothing else. `folder`: where relative paths begin. */
export function ownTerms(agent: Agent, folder: string): FenceTerms {
  const { needs } = agent;
  return {
    read: [...OWN_CODE, ...codeOf(agent), ...foldersOf(needs.read, folder)],
    write: foldersOf(needs.write, folder),
    othersFiles: needs.read.length + needs.write.length > 0,
    ports: portsOf(needs.net),
    listen: namedPortsOf(needs.net),
  };
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

/** What the main thread of a cell reads by Node's flags where no Landlock narrows it. */
export function readBy(terms: FenceTerms | undefined): string[] {
  return [...(terms?.read ?? OWN_CODE), '/proc'];
}
