import { entryFile } from './entry.ts';

/** What a plugin's bundle imports in place of the zod that Daruma lends. Workers resolve this to {@link LENT_ZOD_FILE}. */
export const LENT_ZOD = 'daruma:zod';

/** zod with all that it exports, in English, in one compiled file. */
export const LENT_ZOD_FILE: URL = entryFile('plugin/zod.js');

/** The answer of a resolve hook to `daruma:zod`; undefined for any other specifier. */
export function resolvedLentZod(specifier: string): { url: string; format: 'module'; shortCircuit: true } | undefined {
  return specifier === LENT_ZOD ? { url: LENT_ZOD_FILE.href, format: 'module', shortCircuit: true } : undefined;
}
