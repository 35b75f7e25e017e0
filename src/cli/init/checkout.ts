import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installationFiles, PACKAGE_FOLDER, packageName } from './files.ts';
import { ownPackage } from './own-package.ts';

interface Manifest {
  name?: string;
  dependencies?: Record<string, string>;
}

/** Files that a checkout has beside its package.json, and a backup has not. */
const SOURCES = 'scripts/build.ts';
const REPLACED = ['package.json', 'tsconfig.json', '.npmrc'];

/**
 * A backup that was made in a checkout of Daruma holds the package.json of Daruma itself, and not what builds it. Restored
 * elsewhere, the folder becomes an installation that depends on this package, as `daruma init` makes it, with the packages
 * that were added to the checkout. False where there is nothing to do.
 */
export async function leaveCheckout(folder: string): Promise<boolean> {
  const manifest = read(join(folder, 'package.json'));
  if (manifest?.name !== 'daruma' || existsSync(join(folder, SOURCES))) return false;
  const own = ownPackage();
  const tarball = `${PACKAGE_FOLDER}/daruma-${own.facts.version}.tgz`;
  await own.pack(join(folder, tarball));
  const added = Object.entries(manifest.dependencies ?? {}).filter(([name]) => !own.dependencies.includes(name));
  for (const { path, text } of installationFiles(packageName(folder), own.facts, tarball)) {
    if (!REPLACED.includes(path)) continue;
    const made = path === 'package.json' ? withPackages(text, Object.fromEntries(added)) : text;
    writeFileSync(join(folder, path), made);
  }
  // The lockfile was that of the checkout.
  rmSync(join(folder, 'package-lock.json'), { force: true });
  return true;
}

function withPackages(text: string, added: Record<string, string>): string {
  const made = JSON.parse(text) as Manifest;
  return `${JSON.stringify({ ...made, dependencies: { ...made.dependencies, ...added } }, null, 2)}\n`;
}

function read(file: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}
