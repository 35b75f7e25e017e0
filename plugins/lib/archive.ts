import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compose, Readable } from 'node:stream';
import { constants, createZstdCompress } from 'node:zlib';
// The parts that write a head are all that is needed of the package: whole, it is 115 KB of each version of a plugin.
import { Header } from 'tar/header';
import { Pax } from 'tar/pax';
import { createSynced } from './files.ts';

/** The path of each entry in an archive, with its size in bytes; folders end in `/` and have 0. */
export type Entries = Map<string, number>;

const BLOCK = 512;
/** A file is read in pieces of this size. */
const PIECE = 256 * 1024;
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
  const stream = Readable.from(tarOf(from, entries));
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

/** The bytes of a tar with these paths, which are noted in `entries`. Throws for what is no file or folder, and for a file that gets shorter meanwhile. */
async function* tarOf({ folder, paths, strip }: Parameters<typeof pack>[1], entries: Entries): AsyncGenerator<Buffer> {
  for (const path of paths) {
    const name = path.startsWith(strip) ? path.slice(strip.length) : path;
    const found = await stat(join(folder, path));
    if (found.isDirectory()) {
      const entry = `${name.replace(/\/+$/, '')}/`;
      entries.set(entry, 0);
      yield headOf(entry, 'Directory', 0, found);
    } else if (found.isFile()) {
      entries.set(name, found.size);
      yield headOf(name, 'File', found.size, found);
      yield* contentOf(join(folder, path), found.size);
      yield Buffer.alloc(-found.size & (BLOCK - 1));
    } else throw new Error(`${path} is neither a file nor a folder`);
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** The head of an entry, with a longer one before it where a name or a number does not fit. The owner may always read and write it, nobody else may write. */
function headOf(path: string, type: 'Directory' | 'File', size: number, { mode, mtime }: Stats): Buffer {
  const isFolder = type === 'Directory';
  const open = ((mode & 0o7777) | 0o600) & ~0o22;
  // A folder that may be read may be entered.
  const header = new Header({ path, type, size, mtime, mode: isFolder ? open | ((open & 0o444) >> 2) : open });
  const block = Buffer.alloc(BLOCK);
  return header.encode(block) ? Buffer.concat([new Pax({ path, size, mtime }).encode(), block]) : block;
}

/** The first `size` bytes of a file: what is written to it meanwhile is no part of the entry. */
async function* contentOf(path: string, size: number): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    for (let at = 0; at < size; ) {
      const piece = Buffer.allocUnsafe(Math.min(size - at, PIECE));
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (bytesRead === 0) throw new Error(`${path} got shorter while it was packed`);
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
