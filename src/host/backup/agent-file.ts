import { randomUUID } from 'node:crypto';
import { closeSync, constants, linkSync, lstatSync, openSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Agent } from '../../jobs/agent.ts';
import { Fault } from '../../kernel/fault.ts';
import { pathOfOpenFile } from '../../kernel/proc.ts';
import { placeForAgent } from './copy-place.ts';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Bytes that are copied at a time. */
const PIECE = 1 << 20;

/** A file that the host is to write for an agent. */
interface AgentFile {
  to: string;
  by: Pick<Agent, 'name' | 'needs'>;
  /** The installation. */
  folder: string;
}

/**
 * Writes a file for an agent where its needs let it write: `make` writes the file in `data/run`, and from there it gets its place in
 * the folder that was judged, by a descriptor of that folder. An agent that puts a link in the folder's place meanwhile leads the
 * host nowhere. Rejects with the Fault of {@link placeForAgent}, with `STORE_COPY_EXISTS`, or as `make` does.
 */
export async function writeForAgent<T>({ to, by, folder }: AgentFile, make: (file: string) => Promise<T>): Promise<T> {
  const place = placeForAgent(to, by, folder);
  const held = openSync(dirname(place), FOLDER);
  const own = join(folder, 'data/run', `for-agent-${randomUUID()}`);
  try {
    const real = pathOfOpenFile(held);
    // Where no descriptor tells its path, the name is all there is.
    const target = real === undefined ? place : join(`/proc/self/fd/${held}`, basename(place));
    if (real !== undefined && real !== dirname(place)) placeForAgent(join(real, basename(place)), by, folder);
    if (lstatSync(target, { throwIfNoEntry: false })) throw new Fault(exists(place));
    const made = await make(own).catch((error: unknown) => Promise.reject(named(error, own, place)));
    await put(own, target, place);
    return made;
  } finally {
    closeSync(held);
    rmSync(own, { force: true });
  }
}

async function put(own: string, target: string, place: string): Promise<void> {
  try {
    // Fails where something is, a link too.
    linkSync(own, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new Fault(exists(place));
    if (code !== 'EXDEV' && code !== 'EPERM') throw error;
    await copy(own, target);
  }
}

/** To another file system. */
async function copy(own: string, target: string): Promise<void> {
  const from = await open(own, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const into = await open(target, FRESH, 0o600);
    try {
      const piece = Buffer.allocUnsafe(PIECE);
      for (;;) {
        const { bytesRead } = await from.read(piece);
        if (bytesRead === 0) break;
        await into.appendFile(piece.subarray(0, bytesRead));
      }
      await into.sync();
    } catch (error) {
      rmSync(target, { force: true });
      throw error;
    } finally {
      await into.close();
    }
  } finally {
    await from.close();
  }
}

/** A fault about the file in `data/run` is about the file of the agent. */
function named(error: unknown, own: string, place: string): unknown {
  if (!(error instanceof Fault)) return error;
  const { plain } = error;
  return new Fault({ ...plain, message: plain.message.replaceAll(own, place), file: place }, { cause: error });
}

function exists(file: string) {
  return {
    code: 'STORE_COPY_EXISTS',
    message: `a copy of the store would overwrite ${file}`,
    next: 'name a file that is not there yet',
    file,
  };
}
