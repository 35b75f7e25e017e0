import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { entryFile, packageFile } from '../../kernel/entry.ts';

/** The Daruma that is running, as a plugin gets it. */
export interface Runtime {
  /** What `import … from 'daruma'` is: an absolute path. */
  entry: string;
  /** Changes with everything of Daruma that goes into a bundle: versions made with another one are made anew. */
  id: string;
}

/** Reads what goes into bundles; a millisecond. */
export function readRuntime(): Runtime {
  const entry = fileURLToPath(entryFile('index.js'));
  const own = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as {
    version: string;
    dependencies?: Record<string, string>;
  };
  const hash = createHash('sha256')
    .update(own.dependencies?.zod ?? '')
    .update(readFileSync(entry));
  return { entry, id: `${own.version}+${hash.digest('hex').slice(0, 8)}` };
}
