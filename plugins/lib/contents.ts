import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** What goes into an archive, relative to the installation, folders before what is in them; and what cannot, in words. */
export interface Contents {
  paths: string[];
  lacks: string[];
}

/** Secrets lie in such files, and no backup holds any. */
const SECRET = /^\.env(\..*)?$/;
/** npm brings them back. */
const PACKAGES = 'node_modules';

/**
 * Lists files and folders of an installation. A link is followed when it leads to something else inside of it, so that the
 * archive holds what is used and no link; everything that is left out is said.
 */
export async function contentsOf(folder: string, roots: readonly string[]): Promise<Contents> {
  const paths: string[] = [];
  const lacks: string[] = [];
  /** `above`: the real folders that it lies in, so that a link to one of them ends somewhere. */
  async function add(path: string, above: readonly string[]): Promise<void> {
    const at = join(folder, path);
    const facts = await lstat(at);
    let real = at;
    if (facts.isSymbolicLink()) {
      const target = await realpath(at).catch(() => undefined);
      if (target === undefined) return void lacks.push(`${path}: a link to nothing that can be read`);
      if (relative(folder, target).startsWith('..')) return void lacks.push(`${path}: a link out of the installation`);
      real = target;
    }
    const { isFile, isFolder } = await stat(real).then((one) => ({
      isFile: one.isFile(),
      isFolder: one.isDirectory(),
    }));
    if (isFile) return void paths.push(path);
    if (!isFolder) return void lacks.push(`${path}: neither a file nor a folder`);
    if (above.includes(real)) return void lacks.push(`${path}: a link to a folder that it lies in`);
    // A folder that cannot be read is left out, and said so, rather than packed as an empty one.
    const names = await readdir(real);
    paths.push(path);
    for (const name of names.sort()) {
      if (name === PACKAGES) continue;
      if (SECRET.test(name)) lacks.push(`${path}/${name}`);
      else await attempt(`${path}/${name}`, [...above, real]);
    }
  }
  async function attempt(path: string, above: readonly string[]): Promise<void> {
    try {
      await add(path, above);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // It went while the folder was read, or was never there.
      if (code === 'ENOENT') return;
      if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ERR_ACCESS_DENIED') throw error;
      lacks.push(`${path}: ${message}`);
    }
  }
  for (const root of roots) await attempt(root, []);
  return { paths, lacks };
}

/** Whether the text of an .npmrc carries what lets somebody in. */
export function hasCredentials(npmrc: string): boolean {
  return /(^|[:/])_?(auth|authtoken|password|username|certfile|keyfile|key|cert)\s*=/im.test(npmrc);
}
