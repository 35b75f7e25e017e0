import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { entryFile, packageFile } from '../../kernel/paths.ts';
import { LENT_FILES } from '../../kernel/plugin-modules.ts';

/** The running Daruma, as a plugin gets it. */
export interface Runtime {
  /** Absolute path of the file that `import … from 'daruma'` means. */
  entry: string;
  /** Changes with everything of Daruma that goes into a bundle or is lent to it: versions made with another one are made anew. */
  id: string;
}

/** Reads what goes into bundles or is lent to them; a millisecond. */
export function readRuntime(): Runtime {
  const entry = fileURLToPath(entryFile('index.js'));
  const own = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string };
  const hash = createHash('sha256').update(readFileSync(entry));
  for (const file of LENT_FILES) hash.update(readFileSync(file));
  return { entry, id: `${own.version}+${hash.digest('hex').slice(0, 8)}` };
}
