import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { isAtOrBelow } from '../../kernel/paths.ts';
import { realOf } from '../../kernel/real-path.ts';
import { type OrderFence, SYSTEM_FOLDERS } from './order-fence.ts';
import { closedFiles } from './system-secrets.ts';

/** Files of `/etc` that may be links to places outside of {@link SYSTEM_FOLDERS}. */
const LINKED = ['/etc/resolv.conf', '/etc/localtime', '/etc/hosts'];

/**
 * The words between `bwrap` and its command for a fence: namespaces of its own, the system's folders read only without the files that are
 * root's alone, and what the fence names. A deeper path has the last word in a folder that is open.
 */
export function bwrapArguments(fence: OrderFence): string[] {
  const isOpen = fence.read.length + fence.write.length > 0;
  return [
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try', '--new-session'],
    ...(fence.network ? [] : ['--unshare-net']),
    // A command of root goes on using granted files of other users, as in a cell, and has no other right of root.
    ...(process.getuid?.() === 0 ? ['--cap-drop', 'ALL', ...(isOpen ? ['--cap-add', 'CAP_DAC_OVERRIDE'] : [])] : []),
    ...SYSTEM_FOLDERS.flatMap(systemFolder),
    ...LINKED.map(realOf)
      .filter((path) => !isOfSystem(path))
      .flatMap((path) => ['--ro-bind-try', path, path]),
    ...closedFiles().flatMap(closed),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...(fence.temporary ? ['--bind', fence.temporary, '/tmp', '--bind', fence.temporary, '/var/tmp'] : []),
    ...grantsOf(fence),
    ...fence.links.filter(([from]) => !isSeen(from, fence)).flatMap(([from, to]) => ['--symlink', to, from]),
    // A folder becomes read only after all that lies below it has its place.
    ...[...fence.hidden.filter(isFolder), '/'].flatMap((path) => ['--remount-ro', path]),
  ];
}

/** Shallow paths first. */
function grantsOf({ read, write, hidden }: OrderFence): string[] {
  const grants = new Map<string, string[]>();
  for (const path of hidden) if (isThere(path)) grants.set(path, closed(path));
  for (const path of read) grants.set(path, ['--ro-bind-try', path, path]);
  // The needs have the last word, also on what is hidden.
  for (const path of write) grants.set(path, ['--bind-try', path, path]);
  return [...grants.keys()].sort((one, other) => depthOf(one) - depthOf(other)).flatMap((path) => grants.get(path)!);
}

/** A folder that is empty, or a file that is, in the place of what stays closed. */
function closed(path: string): string[] {
  return isFolder(path) ? ['--tmpfs', path] : ['--ro-bind', '/dev/null', path];
}

/** `/bin` is a link on most systems. */
function systemFolder(path: string): string[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return [];
  return stats.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}

function isSeen(path: string, { read, write }: OrderFence): boolean {
  return isOfSystem(path) || [...read, ...write].some((open) => isAtOrBelow(realOf(dirname(path)), open));
}

const isOfSystem = (path: string) => SYSTEM_FOLDERS.some((folder) => isAtOrBelow(path, folder));
const isThere = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
const isFolder = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const depthOf = (path: string) => (path === sep ? 0 : path.split(sep).length);
