import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { isShutProcess, openFileLinks, pathOfOpenFile, pidsNow, readArguments, readStat } from '../kernel/proc.ts';
import { type FolderRef, folderRef, hostOf } from './place.ts';
import { isAlive, type ProcessRef, processStart, thisProcess } from './process.ts';

/**
 * A claim on a folder, kept by the kernel and not by a file: a socket name that at most one process can have, that ends with
 * that process and that cannot be deleted, and the folder itself, held open. Linux only; elsewhere the lock file alone keeps
 * a second host away.
 */
export interface FolderClaim {
  folder: FolderRef;
  /** Sets the phase that {@link claimantOf} reads from now on. */
  say(is: HostPhase): void;
  /** The path of the folder now, wherever it was moved to; undefined when the folder is removed or its path is not known. */
  placeNow(): string | undefined;
  release(): Promise<void>;
}

/** The phase of a host: the host listens on its control socket while it is `working`. */
export type HostPhase = 'starting' | 'working' | 'stopping';

/** The process that has a folder. */
export interface Claimant extends ProcessRef {
  is: HostPhase;
}

const LINUX = process.platform === 'linux';
const ANSWER_WITHIN_MS = 1_000;

/** Claims a folder for this process, or resolves with the process that has it already. */
export async function claimFolder(path: string): Promise<FolderClaim | Claimant> {
  const folder = folderRef(path);
  const me = thisProcess();
  let is: HostPhase = 'starting';
  // The folder is opened before the name is taken: a claim without an open folder counts for nothing.
  const held = LINUX ? openSync(path, 'r') : undefined;
  let server = LINUX ? await named(nameOf(folder), () => JSON.stringify({ ...me, is })) : undefined;
  if (server === 'taken') {
    const other = await claimantOf(path);
    // The other process may have ended meanwhile. A process that has the name and not the folder keeps no host away; nor
    // does a process that claims to be the process that asks.
    if (!other || other.pid === me.pid) server = await named(nameOf(folder), () => JSON.stringify({ ...me, is }));
    else {
      closeSync(held!);
      return other;
    }
  }
  return {
    folder,
    say(now) {
      is = now;
    },
    placeNow: () => (held === undefined ? undefined : placeOf(held)),
    async release() {
      if (typeof server === 'object') await new Promise((resolve) => (server as Server).close(resolve));
      if (held !== undefined) closeSync(held);
    },
  };
}

/**
 * The host process that has a folder, listening or not; undefined when none has. A claimant is believed only if its process
 * holds the folder open: any process on the machine could take the name. A process of the same user whose `/proc` entries are
 * closed, as those of a host are, is believed.
 */
export async function claimantOf(path: string): Promise<Claimant | undefined> {
  if (!LINUX) {
    const written = hostOf(path);
    return written && { ...written, is: 'working' };
  }
  const folder = folderRef(path);
  const answer = await asked(nameOf(folder));
  if (answer === 'nobody') return undefined;
  if (answer === 'silent') return frozen(path, folder);
  return isAlive(answer) && (holdsFolder(answer.pid, folder.id) || isShutProcess(answer.pid)) ? answer : undefined;
}

/**
 * The guardian that would start this host again: its parent, where that is a `daruma start`. Undefined for a host without a
 * guardian, and where the system does not tell of parents.
 */
export function guardianAbove({ pid }: ProcessRef): ProcessRef | undefined {
  const parent = LINUX ? readStat(pid)?.parent : undefined;
  if (parent === undefined || !isDaruma(parent) || !/\0start\0/.test(readArguments(parent) ?? '')) return undefined;
  const start = processStart(parent);
  return start === undefined ? undefined : { pid: parent, start };
}

/** Begins with a zero byte: it is in no folder. */
function nameOf({ id }: FolderRef): string {
  return `\0daruma-host-${id}`;
}

function named(name: string, text: () => string): Promise<Server | 'taken' | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(`${text()}\n`, () => socket.destroy());
    });
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' ? 'taken' : undefined));
    server.listen(name, () => {
      // The server shows that the process lives, and does not keep it alive.
      server.unref();
      resolve(server);
    });
  });
}

/** `silent`: a process has the name, and says nothing that can be understood. */
function asked(name: string): Promise<Claimant | 'nobody' | 'silent'> {
  return new Promise((resolve) => {
    const socket = connect(name);
    let text = '';
    const end = () => {
      socket.destroy();
      resolve(claimantIn(text) ?? 'silent');
    };
    socket.setTimeout(ANSWER_WITHIN_MS, end);
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.length > 1_000) end();
    });
    socket.once('end', end).once('error', () => {
      socket.destroy();
      resolve('nobody');
    });
  });
}

/** A host that was stopped by a signal does not answer: it is found by the files that it holds open. */
function frozen(path: string, { id }: FolderRef): Claimant | undefined {
  for (const pid of pidsNow()) {
    if (pid === process.pid || !isDaruma(pid) || !holdsFolder(pid, id)) continue;
    const start = processStart(pid);
    if (start !== undefined) return { pid, start, is: 'working' };
  }
  const written = hostOf(path);
  return written && isAlive(written) && isShutProcess(written.pid) ? { ...written, is: 'working' } : undefined;
}

function isDaruma(pid: number): boolean {
  return /(main\.js|main\.ts|daruma)\0/.test(readArguments(pid) ?? '');
}

function claimantIn(text: string): Claimant | undefined {
  try {
    const { pid, start, is } = JSON.parse(text) as Partial<Claimant>;
    const isWhole = typeof pid === 'number' && typeof start === 'string' && typeof is === 'string';
    return isWhole ? { pid, start, is } : undefined;
  } catch {
    return undefined;
  }
}

function placeOf(folder: number): string | undefined {
  try {
    return fstatSync(folder).nlink === 0 ? undefined : pathOfOpenFile(folder);
  } catch {
    return undefined;
  }
}

/** Only the `/proc` entries of the same user's processes can be read; other processes are not believed. */
function holdsFolder(pid: number, id: string | undefined): boolean {
  return openFileLinks(pid).some((link) => isThatFolder(link, id));
}

function isThatFolder(link: string, id: string | undefined): boolean {
  try {
    const stats = statSync(link, { bigint: true });
    return stats.isDirectory() && `${stats.dev}:${stats.ino}` === id;
  } catch {
    return false;
  }
}
