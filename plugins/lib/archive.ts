import { compose } from 'node:stream';
import { constants, createZstdCompress } from 'node:zlib';
import { create } from 'tar';
import { createSynced } from './files.ts';

/** The path of each entry in an archive, with its size in bytes; folders end in `/` and have 0. */
export type Entries = Map<string, number>;

/** Disk writes of that size: each one waits for the disk. */
const CHUNK = 4 * 1024 ** 2;

/**
 * Packs just these paths of a folder as a tar, compressed by zstd with a checksum, that reads the same everywhere (no owners, no access times, no
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
  const compressed = compose(stream, createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } }));
  // When writing fails, packing is still under way behind it: its own end has nobody left to tell, and must not crash.
  stream.on('error', () => {});
  compressed.on('error', () => {});
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
    for await (const chunk of compressed) {
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes >= CHUNK) await flush();
    }
    await flush();
  } finally {
    compressed.destroy();
    stream.destroy();
    await file.close();
  }
  return entries;
}

const nameOf = (path: string, isFolder: boolean): string => (isFolder ? `${path.replace(/\/+$/, '')}/` : path);
