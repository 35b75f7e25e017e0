/** Writes docs/operations.md and docs/daruma.schema.json from the table of operations; a test keeps them as it is. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { operationsPage } from './operations/page.ts';
import { contractOf, schemaFile } from './operations/schema.ts';

/** The files of the published contract, by their paths in the repository. */
export async function publishedFiles(): Promise<Record<string, string>> {
  const contract = await contractOf();
  return { 'docs/operations.md': operationsPage(contract), 'docs/daruma.schema.json': schemaFile(contract) };
}

if (import.meta.main) {
  for (const [file, text] of Object.entries(await publishedFiles()))
    writeFileSync(join(import.meta.dirname, '..', file), text);
}
