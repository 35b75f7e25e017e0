import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { fileId } from '../../control/place.ts';
import { refuseForeignFolder, tokenFile } from '../../control/token.ts';
import { Fault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Scrubber } from '../../kernel/scrub.ts';
import { isSameSecret } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import type { OperationRole } from '../../operations/operation.ts';
import type { Audit } from '../audit.ts';
import { createConversation } from './conversation.ts';
import type { Operations } from './handlers.ts';

const ROLES: readonly OperationRole[] = ['operator', 'reader'];

/** The control socket of a running host. */
export interface ControlServer {
  close(): Promise<void>;
  /** The socket and the token of operators: where they lie, and what they are. */
  held(): Record<'socket' | 'token', { path: string; id: string | undefined }>;
  /** Makes the socket anew; connections that are open go on. Rejects as {@link serveControl} does. */
  listenAgain(): Promise<void>;
  /** Writes the files of the tokens anew, with the same tokens. */
  tokenAgain(): void;
}

/** Clients at a time; more are turned away. */
const MOST_CLIENTS = 256;

interface ControlServerNeeds {
  operations: Operations;
  log: Log;
  scrub: Pick<Scrubber, 'answer'>;
  time: Pick<Time, 'after'>;
  audit: Pick<Audit, 'of'>;
  /** The uid of the installation's owner. */
  owner: number | undefined;
}

/**
 * Listens on the control socket (mode 0600) and answers requests that carry a token of the files beside it (mode 0600, made anew by
 * each host); others with `TOKEN_WRONG`. The token says the role of the client. An operation that fails answers with its fault and
 * harms no other. A socket that a dead host left behind is replaced; any other file in its path is left alone, with a
 * Fault `SOCKET_TAKEN`; a folder of another user is refused with `SOCKET_FOREIGN`.
 */
export async function serveControl(path: string, needs: ControlServerNeeds): Promise<ControlServer> {
  const { log } = needs;
  const sockets = new Set<Socket>();
  const token = newToken();
  let server = await listen();
  const ids = idsNow(path);

  async function listen(): Promise<Server> {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    refuseForeignFolder(dirname(path), needs.owner);
    await clearPlace(path);
    // Before anybody can connect: a client reads it then.
    writeTokens(path, token);
    const made = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      createConversation(socket, { ...needs, roleOf: (request) => roleOf(request.token, token) });
    });
    made.maxConnections = MOST_CLIENTS;
    const before = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        made.once('error', reject);
        made.listen(path, () => resolve());
      });
    } finally {
      process.umask(before);
    }
    chmodSync(path, 0o600);
    made.on('error', (error) => log.error('the control socket failed', { fault: toPlainFault(error) }));
    return made;
  }

  return {
    held: () => ({ socket: { path, id: ids.socket }, token: { path: tokenFile(path), id: ids.token } }),
    async listenAgain() {
      await clearPlace(path);
      // First: to close it deletes whatever has its name.
      server.close();
      server = await listen();
      Object.assign(ids, idsNow(path));
    },
    tokenAgain() {
      writeTokens(path, token);
      ids.token = fileId(tokenFile(path));
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroySoon();
      await closed;
      removeTokens(path);
    },
  };
}

const idsNow = (path: string) => ({ socket: fileId(path), token: fileId(tokenFile(path)) });

/** Two installations whose settings name one socket must not take it from each other, nor any file that lies there. */
async function clearPlace(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  const by = !found.isSocket() ? 'by a file' : (await isAnswered(path)) ? 'by a process that listens there' : undefined;
  if (by) {
    throw new Fault({
      code: 'SOCKET_TAKEN',
      message: `the control socket ${path} is taken ${by}`,
      next: 'set control.socket in config/daruma.yaml to another path, or remove it and leave the default',
    });
  }
  rmSync(path, { force: true });
}

/** Only a refused connection proves that no process listens. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

/** A token for one run of a host: 256 bits of chance. */
function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** The token of an operator cannot be derived from the token of a reader. */
function tokenOf(role: OperationRole, token: string): string {
  return role === 'operator' ? token : createHmac('sha256', token).update(role).digest('base64url');
}

/** Writes the tokens of operators and of readers, mode 0600, in place of whatever lies in {@link tokenFile}. */
function writeTokens(socket: string, token: string): void {
  removeTokens(socket);
  for (const role of ROLES) writeFileSync(tokenFile(socket, role), tokenOf(role, token), { mode: 0o600, flag: 'wx' });
}

/** Removes what {@link writeTokens} wrote. */
function removeTokens(socket: string): void {
  for (const role of ROLES) rmSync(tokenFile(socket, role), { force: true });
}

/** The role of a client whose request carries `said`; undefined for no token of this host. A wrong one takes as long as a right one. */
function roleOf(said: unknown, token: string): OperationRole | undefined {
  const asked = typeof said === 'string' ? said : '';
  return ROLES.filter((role) => isSameSecret(asked, tokenOf(role, token)))[0];
}
