import { realpathSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

/** Decides which files may become part of a bundle, or be kept beside it. */
export interface ReadGuard {
  /** `file`: absolute, without links. */
  mayRead(file: string): boolean;
}

interface ReadGuardTerms {
  /** The installation, absolute and without links. */
  folder: string;
  /** The plugin's file, absolute. */
  entry: string;
  /** Where the packages are that Daruma lends, without links. */
  lent: readonly string[];
  /** Where packages are that were found in a node_modules; asked each time. */
  packageRoots: ReadonlySet<string>;
}

const CODE = /\.(?:[cm]?[jt]s|[jt]sx)$/;
/** Kept by the host, for the host. */
const OF_THE_HOST = new Set(['agents', 'backups', 'config', 'data', 'logs']);
const OF_THE_SYSTEM = /^\/(?:dev|proc|run|sys)\//;
const LINKS_DEEPEST = 8;

/**
 * A bundle may hold what is below `plugins/` (a link that somebody put there counts as what it leads to), what lies
 * beside the plugin's own file, packages that are found in a node_modules, and code of the installation. Nothing else: an
 * import of a file of secrets would put it where no right to read was asked for.
 */
export async function createReadGuard(terms: ReadGuardTerms): Promise<ReadGuard> {
  const { folder, packageRoots } = terms;
  const plugins = join(folder, 'plugins');
  const home = dirname(realOf(terms.entry));
  const granted = [realOf(plugins), ...(await linkedBelow(plugins, LINKS_DEEPEST))];

  return {
    mayRead(file) {
      if (OF_THE_SYSTEM.test(file)) return false;
      if ([...granted, ...terms.lent, ...packageRoots].some((root) => isAtOrBelow(file, root))) return true;
      if (isOfModules(file, folder)) return true;
      const inside = relative(folder, file).split(sep);
      const isInside = inside[0] !== '..';
      if (isInside && (OF_THE_HOST.has(inside[0]!) || inside.some(isHidden))) return false;
      if (isBelow(file, home)) return !relative(home, file).split(sep).some(isHidden);
      return isInside && (CODE.test(file) || file === join(folder, 'package.json'));
    },
  };
}

/** In a node_modules of the installation, or of a folder above it, where packages are looked for too. */
function isOfModules(file: string, folder: string): boolean {
  const at = file.indexOf(`${sep}node_modules${sep}`);
  if (at === -1) return false;
  const owner = file.slice(0, at);
  return isAtOrBelow(folder, owner) || isBelow(owner, folder);
}

const isHidden = (name: string) => name.startsWith('.');

function isBelow(file: string, root: string): boolean {
  return file.startsWith(root.endsWith(sep) ? root : root + sep);
}

function isAtOrBelow(file: string, root: string): boolean {
  return file === root || (root !== sep && isBelow(file, root));
}

/** What the links in the folder and below it lead to. */
async function linkedBelow(folder: string, left: number): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const at = join(folder, entry.name);
    if (entry.isSymbolicLink()) found.push(await realpath(at).catch(() => at));
    else if (entry.isDirectory() && left > 0 && entry.name !== 'node_modules')
      found.push(...(await linkedBelow(at, left - 1)));
  }
  return found;
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
