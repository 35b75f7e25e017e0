import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '../kernel/fault.ts';
import type { OperationRole } from '../operations/operation.ts';

const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

/** The file beside a control socket that holds the token for clients of a role. */
export function tokenFile(socket: string, role: OperationRole = 'operator'): string {
  return role === 'operator' ? `${socket}.token` : `${socket}.${role}-token`;
}

/** The token for clients of a role; undefined where no token lies, or none that this user may read. */
export function readToken(socket: string, role: OperationRole = 'operator'): string | undefined {
  try {
    const file = openSync(tokenFile(socket, role), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return fstatSync(file).isFile() ? readFileSync(file, 'utf8') : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

/**
 * Throws a Fault `SOCKET_FOREIGN` when the socket is another user's or a link, or its folder one that {@link refuseForeignFolder}
 * refuses. A socket that is not there, or cannot be looked at, is left to the call that follows.
 */
export function refuseForeignSocket(socket: string, owner: number | undefined): void {
  const found = statsOf(socket);
  if (!found) return;
  refuseForeignFolder(dirname(socket), owner);
  if (found.isSymbolicLink()) throw foreign(socket, 'is a link');
  if (!isTrusted(found.uid, owner)) throw foreign(socket, `belongs to another user (uid ${found.uid})`);
}

/**
 * Throws a Fault `SOCKET_FOREIGN` when a folder for a control socket is another user's, a link, or open to the writes of others: they
 * could listen in place of the host. Root and `owner`, whose the installation is, count as this user.
 */
export function refuseForeignFolder(folder: string, owner: number | undefined): void {
  const found = statsOf(folder);
  if (!found) return;
  if (!found.isDirectory()) throw foreign(folder, 'is no folder');
  if (!isTrusted(found.uid, owner)) throw foreign(folder, `belongs to another user (uid ${found.uid})`);
  // Where everybody may write, the sticky bit keeps others from what is not theirs.
  const isOpen = (found.mode & WRITABLE_BY_OTHERS) !== 0 && (found.mode & STICKY) === 0;
  if (isOpen) throw foreign(folder, `can be written by others (mode ${(found.mode & 0o777).toString(8)})`);
}

function isTrusted(uid: number, owner: number | undefined): boolean {
  const me = process.geteuid?.();
  return me === undefined || uid === me || uid === 0 || uid === owner;
}

function statsOf(path: string) {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function foreign(path: string, why: string): Fault {
  const next = why.startsWith('can be written')
    ? `chmod go-w ${path}`
    : 'see who made it and remove it, or set control.socket in config/daruma.yaml to a path in a folder of your own';
  return new Fault({
    code: 'SOCKET_FOREIGN',
    message: `${path}, where the host listens, ${why}`,
    next,
    data: { path },
  });
}
