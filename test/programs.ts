import { accessSync, constants, globSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const SCRIPT = join(import.meta.dirname, '../scripts/test-programs.sh');

/**
 * The path of a program that a test starts and that no npm package brings. The row of the program stands in
 * `scripts/test-programs.sh`, which `.ci/run` runs.
 *
 * @throws when the machine has no such program, with what to install: a test without its program fails, it is never skipped.
 */
export function requiredProgram(name: string): string {
  const rows = /^PROGRAMS=\((.*)\)$/m.exec(readFileSync(SCRIPT, 'utf8'))![1]!.split(' ');
  const debianPackage = rows.find((row) => row.startsWith(`${name}:`))?.slice(name.length + 1);
  if (debianPackage === undefined) throw new Error(`${name} has no row in scripts/test-programs.sh`);
  // Debian's programs of PostgreSQL are in no folder of PATH, and those of file systems in root's alone.
  const found = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', ...globSync('/usr/lib/postgresql/*/bin')]
    .map((folder) => join(folder, name))
    .find(isProgram);
  if (found) return found;
  throw new Error(`${name} is not installed: apt-get install ${debianPackage}, or scripts/test-programs.sh as root`);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
