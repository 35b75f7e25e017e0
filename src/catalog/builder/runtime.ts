import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The Daruma that is running, as a plugin gets it. */
export interface Runtime {
  /** What `import … from 'daruma'` is: an absolute path. */
  entry: string;
  /** Changes with everything of Daruma that goes into a bundle: versions made with another one are made anew. */
  id: string;
}

/** Reads what goes into bundles; a millisecond. */
export function readRuntime(from: string = import.meta.url): Runtime {
  const ending = from.endsWith('.ts') ? '.ts' : '.js';
  const entry = fileURLToPath(new URL(`../../index${ending}`, from));
  const folder = fileURLToPath(new URL('../../plugin/', from));
  const own = JSON.parse(readFileSync(new URL('../../../package.json', from), 'utf8')) as {
    version: string;
    dependencies?: Record<string, string>;
  };
  const hash = createHash('sha256')
    .update(own.dependencies?.zod ?? '')
    .update(readFileSync(entry));
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith(ending) && !file.endsWith('.d.ts')) hash.update(file).update(readFileSync(folder + file));
  }
  return { entry, id: `${own.version}+${hash.digest('hex').slice(0, 8)}` };
}
