import { isAbsolute, relative, sep } from 'node:path';
import type { PlainFault } from './fault.ts';

/**
 * The files of the package that runs: a checkout, or `node_modules/daruma`. The compiled code is bundled, so a module does
 * not lie where its source lies: every path starts at the package, and this module alone asks where it is.
 */
const PACKAGE = new URL(import.meta.url.replace(/^(.*)\/(?:src|dist)\/.*$/, '$1/'));

/** A file of the package by its path from the package's root, as in `packageFile('package.json')`. */
export function packageFile(path: string): URL {
  return new URL(path, PACKAGE);
}

/**
 * The compiled file that a process or thread is started from, by its path in `dist/`. Threads and processes always run
 * plain JavaScript, also when the asker runs from its source (tests, tsx).
 */
export function entryFile(path: string): URL {
  return packageFile(`dist/${path}`);
}

/** A path as people see it: relative to `folder` where the file is inside it, else absolute; always with forward slashes. */
export function pathInside(folder: string, file: string): string {
  const path = relative(folder, file);
  const isInside = path !== '' && !path.startsWith(`..${sep}`) && path !== '..' && !isAbsolute(path);
  return (isInside ? path : file).split(sep).join('/');
}

/** Whether a path is the folder or lies in it; both absolute and without links. */
export function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Signs that Node or pino-roll (which rolls the log) takes in no path, and why no host can work below them. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['\\', "Node's loader of modules takes no path with a backslash"],
  ['*', "in Node's permissions a * stands for everything that follows, so agents could read what was not granted"],
  ...[...':?"|<>'].map((sign): [string, string] => [sign, `pino-roll rolls no log in a path with ${sign}`]),
]);

/**
 * Why an installation, or the folder of its log, cannot have that name: code `FOLDER_NAME`; undefined when it can. Every
 * other sign works. `folder` is absolute, without symbolic links.
 */
export function refusedFolderName(folder: string): PlainFault | undefined {
  const sign = [...REFUSED.keys()].find((one) => folder.includes(one));
  if (sign === undefined) return undefined;
  return {
    code: 'FOLDER_NAME',
    message: `no host can work in ${folder}: ${REFUSED.get(sign)}`,
    next: `give the folder, or the one above that has it, a name without ${sign}`,
    data: { folder, sign },
  };
}
