import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { isAtOrBelow } from '../../kernel/paths.ts';
import { realOf } from '../../kernel/real-path.ts';
import { isCode } from '../files/source-limit.ts';

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
  /** The folders of the packages that Daruma lends, without links. */
  lent: readonly string[];
  /** The folders of packages that were found in a node_modules; asked each time. */
  packageRoots: ReadonlySet<string>;
  /** Folders outside of the installation to which links in `plugins/` may lead: the setting `links.folders`. */
  linkFolders?: readonly string[];
}

/** Folders that the host keeps for itself. */
const OF_THE_HOST = new Set(['agents', 'backups', 'config', 'data', 'logs']);
const OF_THE_SYSTEM = /^\/(?:dev|proc|run|sys)\//;

/** Whether a path, without links, is of the kernel or of services that run. */
export const isOfSystem = (file: string) => OF_THE_SYSTEM.test(file);

const LINKS_DEEPEST = 8;
/** The greatest number of entries below `plugins/` that are looked at for links. */
const MOST_ENTRIES = 20_000;

/**
 * A bundle may hold what is below `plugins/` (a link that somebody put there counts as what it leads to: a file, or a
 * folder of the installation or of `linkFolders`), what lies beside the plugin's own file, packages that are found in a
 * node_modules, and code of the installation. Any other file is refused: an import of a file of secrets would put its
 * text where no right to read was asked for.
 */
export async function createReadGuard(terms: ReadGuardTerms): Promise<ReadGuard> {
  const { folder, packageRoots } = terms;
  const plugins = join(folder, 'plugins');
  const home = dirname(realOf(terms.entry));
  const granted = [realOf(plugins), ...(await linkedBelow(plugins, terms))];

  return {
    mayRead(file) {
      if (isOfSystem(file)) return false;
      if ([...granted, ...terms.lent, ...packageRoots].some((root) => root !== sep && isAtOrBelow(file, root)))
        return true;
      if (isOfModules(file, folder)) return true;
      const inside = relative(folder, file).split(sep);
      const isInside = inside[0] !== '..';
      if (isInside && (OF_THE_HOST.has(inside[0]!) || inside.some(isHidden))) return false;
      if (isBelow(file, home)) return !relative(home, file).split(sep).some(isHidden);
      return isInside && (isCode(file) || file === join(folder, 'package.json'));
    },
  };
}

/**
 * Whether a path is in a node_modules of the installation, or of a folder above it, where packages are looked for too.
 */
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

/** The places to which links below the folder lead, as far as they may be read; the nearest first. */
async function linkedBelow(root: string, terms: ReadGuardTerms): Promise<string[]> {
  const found: string[] = [];
  const waiting = [{ folder: root, depth: 0 }];
  let count = 0;
  for (let next = waiting.shift(); next !== undefined && count < MOST_ENTRIES; next = waiting.shift()) {
    const { folder, depth } = next;
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const at = join(folder, entry.name);
      count++;
      if (entry.isSymbolicLink()) found.push(...(await grantedLink(at, terms)));
      else if (entry.isDirectory() && depth < LINKS_DEEPEST && entry.name !== 'node_modules')
        waiting.push({ folder: at, depth: depth + 1 });
    }
  }
  return found;
}

/** A link to a folder of the host, or to one that has the whole installation in it, gives nothing away. */
async function grantedLink(link: string, { folder, linkFolders = [] }: ReadGuardTerms): Promise<string[]> {
  const real = await realpath(link).catch(() => undefined);
  if (real === undefined) return [];
  const isFolder = await stat(real).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder || linkFolders.some((root) => isAtOrBelow(real, root))) return [real];
  return isBelow(real, folder) && !OF_THE_HOST.has(relative(folder, real).split(sep)[0]!) ? [real] : [];
}
