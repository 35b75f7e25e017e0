import { resolve } from 'node:path';
import type { Needs } from '../plugin/define.ts';

interface PermissionTerms {
  needs: Pick<Required<Needs>, 'read' | 'write' | 'net' | 'modules'>;
  /** The installation: relative paths are inside it. */
  folder: string;
  /** The bundle. */
  file: string;
  /** Paths of the version's own files that it may read, absolute. */
  reads: readonly string[];
  /** Files and folders of Daruma itself that a worker loads. */
  own: readonly string[];
  /** Where a path leads with links followed. */
  real(path: string): string;
  /** Nothing is denied, and each access beyond the code itself is published: only in a cell that the kernel shuts in. */
  audits?: boolean;
}

/** The flags that a worker is started with: everything that they do not name is denied by Node itself. */
export function permissionFlagsOf(terms: PermissionTerms): string[] {
  const { needs } = terms;
  const code = [terms.file, ...terms.reads, ...terms.own];
  // No permission covers SQLite: it opens any file. Main's flag says nothing to a thread that has flags of its own.
  const sqlite = needs.modules.includes('node:sqlite') ? [] : ['--no-experimental-sqlite'];
  if (terms.audits) {
    const grants = code.map((path) => `--allow-fs-read=${granted(path)}`);
    // An audit lets add-ons load, too.
    return ['--no-warnings', '--permission-audit', '--no-addons', ...grants, ...sqlite];
  }
  const read = [...code, ...grantsOf(needs.read, terms), ...grantsOf(needs.write, terms)];
  return [
    '--no-warnings',
    '--permission',
    ...read.map((path) => `--allow-fs-read=${granted(path)}`),
    ...grantsOf(needs.write, terms).map((path) => `--allow-fs-write=${granted(path)}`),
    ...(needs.net.length > 0 ? ['--allow-net'] : []),
    ...sqlite,
  ];
}

/**
 * The flags of a cell's own process. Its main thread starts workers and shuts itself in, which needs `worker` and `ffi`; it
 * reads maps of plugins. Workers have flags of their own, which these do not bound. `read`: where Landlock is not there to
 * narrow it; default everything.
 */
export function cellFlags(read: readonly string[] = ['*']): string[] {
  return [
    '--no-warnings',
    '--disable-sigusr1',
    '--permission',
    ...read.map((path) => `--allow-fs-read=${granted(path)}`),
    '--allow-fs-write=/proc/self/oom_score_adj',
    '--allow-worker',
    '--allow-ffi',
  ];
}

/** Node takes a grant of `/` for all that is below it and leaves `/` itself out (measured on 26.10). */
const granted = (path: string) => (path === '/' ? '*' : path);

/** As they are named, and where they lead: the catalog says of each that leads elsewhere what the agent gets. */
function grantsOf(paths: readonly string[], { folder, real }: PermissionTerms): string[] {
  return [...new Set(foldersOf(paths, folder).flatMap((path) => [path, real(path)]))];
}

/** Absolute paths. */
export function foldersOf(paths: readonly string[], folder: string): string[] {
  return paths.map((path) => resolve(folder, path));
}
