/** Writes config/*.schema.json from the schemas in the code, for editors that complete and check YAML. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonSchemas } from '../src/catalog/files/json-schemas.ts';

const folder = join(import.meta.dirname, '../config');
mkdirSync(folder, { recursive: true });
for (const [file, schema] of Object.entries(jsonSchemas())) {
  writeFileSync(join(folder, file), `${JSON.stringify(schema, null, 2)}\n`);
}
