import { statSync } from 'node:fs';
import { Fault } from '../kernel/fault.ts';
import type { Time } from '../kernel/time.ts';
import { type ControlClient, connectControl } from './client.ts';
import { copiedFrom, type FolderRef, folderRef, isSameFolder, readHostFile, socketPath } from './place.ts';

const ANSWER_WITHIN_MS = 10_000;

/**
 * Connects to the host of an installation, and to no other host: the host that listens says first which folder is its own.
 * Rejects with the codes of {@link connectControl}, with `HOST_DOWN` too when the host that answers works on another
 * folder, and with `HOST_SILENT` when no answer comes within 10 s. `folder` is absolute, without symbolic links; `via`: as
 * for {@link connectControl}.
 */
export async function connectHost(folder: string, time: Time, via = 'cli'): Promise<ControlClient> {
  const socket = readHostFile(folder)?.socket ?? socketPath(folder);
  const client = await connectControl(socket, ownerOf(folder), via).catch((thrown) => {
    const original = copiedFrom(folder);
    if (original === undefined || !isDown(thrown)) throw thrown;
    throw copyOf(folder, original, 'daruma start');
  });
  try {
    const theirs = await answerWithin(folderOf(client), folder, time);
    if (theirs === undefined || isSameFolder(folderRef(folder), theirs)) return client;
    throw foreign(folder, theirs, socket);
  } catch (thrown) {
    client.close();
    throw thrown;
  }
}

function ownerOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.uid;
}

/** Whether no host listens, or only a host of another installation. */
export function isDown(thrown: unknown): thrown is Fault {
  return thrown instanceof Fault && thrown.plain.code === 'HOST_DOWN';
}

/** A host of an older Daruma says its folder in its status only. */
async function folderOf(client: ControlClient): Promise<FolderRef | undefined> {
  const { folder, folderId } = await client.ask('ping', {});
  if (folder !== undefined) return { path: folder, id: folderId ?? undefined };
  const { host } = await client.ask('status', {});
  return host ? { path: host.folder, id: undefined } : undefined;
}

function foreign(folder: string, theirs: FolderRef, socket: string): Fault {
  if (theirs.path === folder) {
    const message = `the host that listens works on another folder, which was ${folder} before`;
    return new Fault({ code: 'HOST_DOWN', message, next: 'it ends by itself; then daruma start', data: { socket } });
  }
  // Only a socket that the settings name can be that of two folders.
  const next = 'give this folder a control.socket of its own in config/daruma.yaml, then daruma start';
  return copyOf(folder, theirs.path, socket === socketPath(folder) ? 'daruma start' : next);
}

function copyOf(folder: string, original: string, next: string): Fault {
  const message = `${folder} is a copy of ${original}; its own host is not running`;
  return new Fault({ code: 'HOST_DOWN', message, next, data: { copyOf: original } });
}

/** The answer of the folder's host; rejects with code `HOST_SILENT` when none comes within `ms` (default 10 s). */
export function answerWithin<T>(answer: Promise<T>, folder: string, time: Time, ms = ANSWER_WITHIN_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = time.after(ms, () => reject(hostSilent(readHostFile(folder)?.pid, ms)));
    answer.then(resolve, reject).finally(cancel);
  });
}

/** The fault of a host that listens and does not answer. */
function hostSilent(pid: number | undefined, ms: number): Fault {
  const message = `the host${pid ? ` (pid ${pid})` : ''} listens but gave no answer within ${ms / 1_000}s`;
  return new Fault({ code: 'HOST_SILENT', message, next: 'daruma health' });
}
