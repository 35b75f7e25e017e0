/** Writes all that is printed from the table of operations; a test keeps it as the table is. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionsFile } from './operations/options.ts';
import { operationsPage } from './operations/page.ts';
import { contractOf, schemaFile } from './operations/schema.ts';

/** The published contract and the options of the command line, by their paths in the repository. */
export async function publishedFiles(): Promise<Record<string, string>> {
  const contract = await contractOf();
  return {
    'docs/operations.md': operationsPage(contract),
    'docs/daruma.schema.json': schemaFile(contract),
    'src/cli/operation-options.ts': optionsFile(contract),
  };
}

if (import.meta.main) {
  for (const [file, text] of Object.entries(await publishedFiles()))
    writeFileSync(join(import.meta.dirname, '..', file), text);
}
