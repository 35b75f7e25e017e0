import { entryFile } from './paths.ts';
import { sliceText, startsWith } from './primordials.ts';

/** The guarded module that an agent can ask for in `needs.modules`. */
export const GRANTABLE = 'sqlite';

/** `child_process` of `node:child_process`. */
export function bareModule(specifier: string): string {
  return startsWith(specifier, 'node:') ? sliceText(specifier, 5) : specifier;
}

/** Why a plugin does not get the module, for the end of a sentence, and what it can do instead. */
export function guardedWords(name: string): { why: string; next: string } {
  switch (name) {
    case 'child_process':
      return {
        why: 'a worker may not start processes itself',
        next: "use context.exec and needs: { exec: ['ls'] }, with the commands that you run in place of ls",
      };
    case 'worker_threads':
    case 'cluster':
      return {
        why: 'a worker may not start threads',
        next: 'do without it: workers: { max: 4 } does four jobs of the agent side by side',
      };
    case GRANTABLE:
      return { why: 'it reads and writes past the rights of a worker', next: "add modules: ['node:sqlite'] to needs" };
    default:
      return { why: 'it reaches beyond its worker', next: 'do without it: no need grants it' };
  }
}

/** The specifier in a plugin's bundle for the zod that Daruma lends. Workers resolve it to {@link LENT_ZOD_FILE}. */
export const LENT_ZOD = 'daruma:zod';

/** zod with all that it exports, in English, in one compiled file. */
export const LENT_ZOD_FILE: URL = entryFile('plugin/zod.js');

/** The specifier in a plugin's bundle for `daruma/pg`, which each worker opens for itself. */
export const LENT_PG = 'daruma:pg';

/** The code of `daruma/pg` without its driver, in one compiled file. */
export const LENT_PG_FILE: URL = entryFile('workers/inside/postgres/lent.js');

/** All that a plugin imports and its bundle does not hold. */
export const LENT_FILES: readonly URL[] = [LENT_ZOD_FILE, LENT_PG_FILE];

/** The answer of a resolve hook to what Daruma lends; undefined for any other specifier. */
export function resolvedLent(specifier: string): { url: string; format: 'module'; shortCircuit: true } | undefined {
  const file = specifier === LENT_ZOD ? LENT_ZOD_FILE : specifier === LENT_PG ? LENT_PG_FILE : undefined;
  return file && { url: file.href, format: 'module', shortCircuit: true };
}
