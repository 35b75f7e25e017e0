import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What decides the content of `dist/`: the sources, the build itself, the options of the compiler and the installed packages. */
const INPUTS = [
  'src',
  'scripts/build.ts',
  'scripts/built.ts',
  'scripts/bundles.ts',
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'package-lock.json',
  'node_modules/.package-lock.json',
];

/** The hashes of the last build's inputs and outputs; the folder is ignored by git. */
const recordOf = (root: string) => join(root, '.cache/build.json');

/** Whether `dist/` is, byte for byte, what the last whole build made of the same inputs. */
export function isBuilt(root: string): boolean {
  try {
    const { inputs, outputs } = JSON.parse(readFileSync(recordOf(root), 'utf8'));
    return inputs === hashOf(root, INPUTS) && outputs === hashOf(root, ['dist']);
  } catch {
    return false;
  }
}

/** Takes the record away, so that a build that fails or is killed is done again, and returns the hash of the inputs. */
export function forgetBuild(root: string): string {
  rmSync(recordOf(root), { force: true });
  return hashOf(root, INPUTS);
}

/** Records a whole build. `inputs`: their hash from before the build, so that a file that was saved meanwhile counts as new. */
export function rememberBuild(root: string, inputs: string): void {
  const record = recordOf(root);
  mkdirSync(dirname(record), { recursive: true });
  writeFileSync(`${record}.${process.pid}`, JSON.stringify({ inputs, outputs: hashOf(root, ['dist']) }));
  renameSync(`${record}.${process.pid}`, record);
}

function hashOf(root: string, paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((path) => filesAt(root, path))) {
    const content = readFileSync(join(root, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** The files at or below a path, in one order; none where nothing lies. */
function filesAt(root: string, path: string): string[] {
  if (!existsSync(join(root, path))) return [];
  try {
    const entries = readdirSync(join(root, path), { withFileTypes: true });
    return entries
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .flatMap((entry) => (entry.isDirectory() ? filesAt(root, join(path, entry.name)) : [join(path, entry.name)]));
  } catch {
    return [path];
  }
}
