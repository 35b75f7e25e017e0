import { statfs } from 'node:fs/promises';
import { extract, list } from 'tar';
import { Fault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { formatSize } from '../../kernel/units.ts';

/** One file or folder in an archive, which is safe to unpack: it stays inside, and is no link. */
export interface Entry {
  path: string;
  isFolder: boolean;
  bytes: number;
}

/** Left free when an archive is unpacked. */
const LEAVE_FREE = 64 * MB;
const PLAIN_TYPES = new Set(['File', 'OldFile', 'ContiguousFile', 'Directory']);

/**
 * Reads a whole archive. Throws `BACKUP_MISSING`, `BACKUP_DAMAGED` for one that cannot be read to its end, and
 * `BACKUP_UNSAFE` for one with a link, a device, or a path that leads out of the folder that it is unpacked into: none of
 * that comes from `daruma backup`, and nothing of it is written.
 */
export async function entriesOf(file: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  const unsafe: string[] = [];
  await reading(file, () =>
    list({
      file,
      strict: true,
      maxDecompressionRatio: Number.POSITIVE_INFINITY, // an empty store is all but zeros
      onReadEntry({ path, type, size }) {
        const plain = PLAIN_TYPES.has(type) && staysInside(path);
        if (!plain) unsafe.push(`${path} (${PLAIN_TYPES.has(type) ? 'leads out of the folder' : type})`);
        else if (plainName(path) !== '.')
          entries.push({ path: plainName(path), isFolder: type === 'Directory', bytes: size });
      },
    }),
  );
  if (unsafe.length > 0) {
    throw new Fault({
      code: 'BACKUP_UNSAFE',
      message: `${file} holds ${unsafe.length === 1 ? 'an entry' : `${unsafe.length} entries`} that no backup has: ${unsafe.slice(0, 3).join(', ')}`,
      next: 'nothing was unpacked; if you trust it, look at it with tar tvzf',
    });
  }
  return entries;
}

/** Unpacks an archive whose {@link entriesOf} are known into an empty folder. Throws `DISK_FULL` before it begins where there is no room. */
export async function unpack(file: string, entries: readonly Entry[], into: string): Promise<void> {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const { bavail, bsize } = await statfs(into);
  if (bavail * bsize < bytes + LEAVE_FREE) {
    const free = formatSize(bavail * bsize);
    throw new Fault({
      code: 'DISK_FULL',
      message: `no room to unpack ${file}: ${into} has ${free} free, ${formatSize(bytes + LEAVE_FREE)} are needed`,
      next: 'free some space (df -h); nothing was changed',
    });
  }
  const known = new Set(entries.map(({ path }) => path));
  await reading(file, () =>
    extract({
      file,
      cwd: into,
      strict: true,
      maxDecompressionRatio: Number.POSITIVE_INFINITY,
      filter: (path) => known.has(plainName(path)),
    }),
  );
}

/** As it is written in other places: `./plugins/` is `plugins`. */
function plainName(path: string): string {
  return path.replace(/^(\.\/+)+/, '').replace(/\/+$/, '') || '.';
}

async function reading(file: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && message.includes(file)) {
      throw new Fault({ code: 'BACKUP_MISSING', message: `there is no file ${file}`, next: 'daruma backup list' });
    }
    const next = 'take another one: daruma backup list';
    throw new Fault({ code: 'BACKUP_DAMAGED', message: `${file} cannot be read: ${message}`, next }, { cause });
  }
}

/** Whether a path of an archive stays in the folder that the archive is unpacked into. */
export function staysInside(path: string): boolean {
  if (path === '' || path.startsWith('/') || /^[a-z]:/i.test(path) || /[\0\\]/.test(path)) return false;
  return !path.split('/').includes('..');
}
