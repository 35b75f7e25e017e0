import { readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { given } from '../kernel/given.ts';
import { isAlive, type ProcessRef } from './process.ts';

/** A unix socket's path may be 107 bytes on Linux and 103 on macOS; this leaves room for both. */
const LONGEST_SOCKET_PATH = 100;

/** The folder of an installation: its path, and an id that stays when the folder is moved. */
export interface FolderRef {
  /** Absolute, without symbolic links. */
  path: string;
  /** The id that {@link folderId} gives; undefined where it is unknown. */
  id: string | undefined;
}

/** `host.json`: what the host of an installation wrote about itself. The file stays behind when the host is killed. */
interface HostFile {
  pid: number;
  /** The start of the process; empty where an older Daruma did not write the start: its process ids count for nothing. */
  start: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  /** Absolute. */
  socket: string;
  /** The folder of its log files. Absolute. */
  logs: string;
  /** The process that starts the host again when it ends. */
  guardian?: ProcessRef;
}

/** The text of `host.json`: paths in the installation are relative, and paths that can be computed are left out. */
interface Written {
  pid: number;
  start?: string;
  startedAt: string;
  folder?: string;
  folderId?: string;
  socket?: string;
  logs?: string;
  guardian?: number;
  guardianStart?: string;
}

/**
 * Where the host of an installation listens: `data/run/control.sock` in it, or, where that is too long for a socket,
 * a path under the system's temporary folder that the folder's hash names. `folder` is absolute, without symbolic links.
 */
export function socketPath(folder: string, temporary = tmpdir(), user = process.getuid?.() ?? 0): string {
  const inside = join(folder, 'data/run/control.sock');
  if (Buffer.byteLength(inside) <= LONGEST_SOCKET_PATH) return inside;
  // Only a long path needs the module, which takes a client 4 ms to load.
  const hash = process.getBuiltinModule('node:crypto').hash('sha256', folder).slice(0, 16);
  return join(temporary, `daruma-${user}`, `${hash}.sock`);
}

/** Where the host writes {@link HostFile}. */
export function hostFilePath(folder: string): string {
  return join(folder, 'data/run/host.json');
}

/** The id of a file or folder: a copy has another id, a move keeps it. Undefined when the path does not exist. */
export function fileId(path: string): string | undefined {
  try {
    const stats = statSync(path, { bigint: true });
    return `${stats.dev}:${stats.ino}`;
  } catch {
    return undefined;
  }
}

/** The folder with its {@link fileId}. */
export function folderRef(path: string): FolderRef {
  return { path, id: fileId(path) };
}

/** Whether both are the same folder: by their ids, or by their paths where an id is not known. */
export function isSameFolder(a: FolderRef, b: FolderRef): boolean {
  return a.id !== undefined && b.id !== undefined ? a.id === b.id : a.path === b.path;
}

/** The text of `host.json`. */
export function hostFileText(folder: FolderRef, about: HostFile): string {
  const { pid, start, startedAt, guardian } = about;
  const socket = inFolder(folder.path, about.socket);
  const logs = inFolder(folder.path, about.logs);
  const written: Written = {
    pid,
    start,
    startedAt,
    folder: folder.path,
    ...given({ folderId: folder.id }),
    ...(socket === inFolder(folder.path, socketPath(folder.path)) && !isAbsolute(socket) ? {} : { socket }),
    ...(logs === 'logs' ? {} : { logs }),
    ...(guardian ? { guardian: guardian.pid, guardianStart: guardian.start } : {}),
  };
  return JSON.stringify(written);
}

/**
 * The `host.json` of the last host; undefined when no host wrote any, the file cannot be read, or it came here with a copy
 * of another folder.
 */
export function readHostFile(folder: string): HostFile | undefined {
  const found = readWritten(folder);
  if (!found || isForeign(found, folder)) return undefined;
  const { pid, start = '', startedAt, socket, logs, guardian, guardianStart } = found;
  const isWhole = typeof guardian === 'number' && typeof guardianStart === 'string';
  return {
    pid,
    start,
    startedAt,
    socket: typeof socket === 'string' ? resolve(folder, socket) : socketPath(folder),
    logs: resolve(folder, typeof logs === 'string' ? logs : 'logs'),
    ...(isWhole ? { guardian: { pid: guardian, start: guardianStart } } : {}),
  };
}

/** The folder that this one was copied from, as far as `host.json` says; undefined when it does not. */
export function copiedFrom(folder: string): string | undefined {
  const found = readWritten(folder);
  // A disk that has another number after a reboot makes no copy of a folder that has kept its path.
  return found && isForeign(found, folder) && found.folder !== folder ? found.folder : undefined;
}

/** The host that wrote `host.json`, while that very process lives. */
export function hostOf(folder: string): ProcessRef | undefined {
  const found = readHostFile(folder);
  return found && isAlive(found) ? { pid: found.pid, start: found.start } : undefined;
}

/** The guardian of the installation's last host, while it lives: between two hosts it is all there is. */
export function guardianOf(folder: string): ProcessRef | undefined {
  const guardian = readHostFile(folder)?.guardian;
  return guardian && isAlive(guardian) ? guardian : undefined;
}

function isForeign({ folderId }: Written, folder: string): boolean {
  return typeof folderId === 'string' && folderId !== fileId(folder);
}

function readWritten(folder: string): Written | undefined {
  try {
    const found = JSON.parse(readFileSync(hostFilePath(folder), 'utf8')) as Partial<Written>;
    if (typeof found.pid !== 'number' || typeof found.startedAt !== 'string') return undefined;
    return { ...found, pid: found.pid, startedAt: found.startedAt };
  } catch {
    return undefined;
  }
}

/** The path as `host.json` holds it: relative when it lies in the folder. */
function inFolder(folder: string, path: string): string {
  const inside = relative(folder, path);
  return inside === '..' || inside.startsWith(`..${sep}`) ? path : inside;
}
