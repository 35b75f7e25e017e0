import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A unix socket's path may be 107 bytes on Linux and 103 on macOS; this leaves room for both. */
const LONGEST_SOCKET_PATH = 100;

/** What the host writes down about itself while it runs; it stays behind when the host is killed. */
export interface HostFile {
  pid: number;
  /** ISO 8601, UTC. */
  startedAt: string;
  socket: string;
  /** The folder of its log files, when it is not `logs` in the installation. */
  logs?: string;
  /** The process id of its guardian. */
  guardian?: number;
}

/**
 * Where the host of an installation listens: `data/run/control.sock` in it, or, where that is too long for a socket,
 * a path under the system's temporary folder that the folder's hash names. `folder` is absolute, without symbolic links.
 */
export function socketPath(folder: string, temporary = tmpdir(), user = process.getuid?.() ?? 0): string {
  const inside = join(folder, 'data/run/control.sock');
  if (Buffer.byteLength(inside) <= LONGEST_SOCKET_PATH) return inside;
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return join(temporary, `daruma-${user}`, `${hash}.sock`);
}

/** Where the host writes {@link HostFile}. */
export function hostFilePath(folder: string): string {
  return join(folder, 'data/run/host.json');
}

/** What the last host of the installation wrote; undefined when none did, or what it wrote cannot be read. */
export function readHostFile(folder: string): HostFile | undefined {
  try {
    const found = JSON.parse(readFileSync(hostFilePath(folder), 'utf8')) as Partial<HostFile>;
    if (typeof found.pid !== 'number' || typeof found.startedAt !== 'string') return undefined;
    return { ...found, pid: found.pid, startedAt: found.startedAt, socket: found.socket ?? socketPath(folder) };
  } catch {
    return undefined;
  }
}

/** Whether a process of that id is there and alive, under whatever user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return !isZombie(pid);
}

/**
 * The guardian of the installation's last host, while it lives: between two hosts it is all there is. Undefined where
 * that is not sure, because a process id may be somebody else's by now.
 */
export function guardianOf(folder: string): number | undefined {
  const pid = readHostFile(folder)?.guardian;
  if (pid === undefined || !isRunning(pid)) return undefined;
  try {
    const [, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return args.includes('start') && args.some((arg) => /(^|\/)(main\.js|daruma)$/.test(arg)) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A process that ended but that its parent never asked about: in a container without an init it stays for ever. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold anything; the state is the first letter after the last bracket.
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
