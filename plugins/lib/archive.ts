import { create, extract } from 'tar';
import { createSynced } from './files.ts';

/** The path of each entry in an archive, with its size in bytes; folders end in `/` and have 0. */
export type Entries = Map<string, number>;

/** Disk writes of that size: each one waits for the disk. */
const CHUNK = 4 * 1024 ** 2;

/**
 * Packs just these paths of a folder as a gzipped tar that reads the same everywhere (no owners, no access times, no
 * links: what a link leads to is stored in its place). A path that begins with `strip` is stored without it. On disk when it returns, and readable by its owner only. `packed` is called
 * as the archive grows, and may throw to stop it.
 */
export async function pack(
  archive: string,
  from: { folder: string; paths: string[]; strip: string },
  packed: (bytes: number) => void,
): Promise<Entries> {
  const entries: Entries = new Map();
  const file = await createSynced(archive);
  const stream = create(
    {
      gzip: true,
      portable: true,
      cwd: from.folder,
      strict: true,
      follow: true,
      noDirRecurse: true,
      onWriteEntry(entry) {
        const isFolder = entry.type === 'Directory';
        if (entry.path.startsWith(from.strip)) entry.path = entry.path.slice(from.strip.length);
        entries.set(nameOf(entry.path, isFolder), isFolder ? 0 : (entry.stat?.size ?? 0));
      },
    },
    from.paths,
  );
  // When writing fails, packing is still under way behind it: its own end has nobody left to tell, and must not crash.
  stream.on('error', () => {});
  try {
    let waiting: Buffer[] = [];
    let bytes = 0;
    let total = 0;
    const flush = async () => {
      if (bytes > 0) await file.writeFile(Buffer.concat(waiting));
      total += bytes;
      waiting = [];
      bytes = 0;
      packed(total);
    };
    for await (const chunk of stream) {
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes >= CHUNK) await flush();
    }
    await flush();
  } finally {
    stream.destroy();
    await file.close();
  }
  return entries;
}

/** Reads a whole archive, as a restore would: lists what is in it and unpacks one entry into an existing folder. */
export async function readBack(archive: string, only: string, into: string): Promise<Entries> {
  const entries: Entries = new Map();
  await extract({
    file: archive,
    cwd: into,
    strict: true,
    maxDecompressionRatio: Number.POSITIVE_INFINITY, // an empty store is all but zeros
    filter(path, entry) {
      const isFolder = 'type' in entry && entry.type === 'Directory';
      entries.set(nameOf(path, isFolder), isFolder ? 0 : entry.size);
      return path === only;
    },
  });
  return entries;
}

/** What one of the two has and the other has not, or has with another size. */
export function differences(wanted: Entries, found: Entries): string[] {
  const paths = new Set([...wanted.keys(), ...found.keys()]);
  return [...paths].filter((path) => wanted.get(path) !== found.get(path)).sort();
}

const nameOf = (path: string, isFolder: boolean): string => (isFolder ? `${path.replace(/\/+$/, '')}/` : path);
