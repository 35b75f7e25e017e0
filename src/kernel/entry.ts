/**
 * The files of the package that runs: a checkout, or `node_modules/daruma`. The compiled code is bundled, so a module does
 * not lie where its source lies: every path starts at the package, and this module alone asks where it is.
 */
const PACKAGE = new URL(import.meta.url.replace(/\/(?:src|dist)\/(?!.*\/(?:src|dist)\/).*$/, '/'));

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
