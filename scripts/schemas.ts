/** Writes config/*.schema.json from the schemas in the code, for editors that complete and check YAML; a test keeps them current. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { agentFileSchema } from '../src/catalog/files/agent-file.ts';
import { hostSettingsSchema } from '../src/catalog/files/host-settings.ts';

/** The JSON Schemas of the files that people write, by file name in `config/`. Draft 7: editors know no newer one. */
export function jsonSchemas(): Record<string, unknown> {
  return {
    'agent.schema.json': schemaOf(agentFileSchema, 'An agent: agents/<name>.yaml'),
    'daruma.schema.json': orOff(schemaOf(hostSettingsSchema, 'The host’s own settings: config/daruma.yaml')),
  };
}

/** Lets `web: false` stand for `web: { enabled: false }`, and so for models, as the host reads it. */
function orOff(schema: ReturnType<typeof schemaOf>): unknown {
  const { web, models, ...properties } = schema.properties as Record<string, object>;
  const off = (group: object | undefined) => ({ anyOf: [{ const: false }, group] });
  return { ...schema, properties: { ...properties, web: off(web), models: off(models) } };
}

function schemaOf(schema: z.ZodType, title: string): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
  return { $schema, title, ...rest };
}

if (import.meta.main) {
  const folder = join(import.meta.dirname, '../config');
  mkdirSync(folder, { recursive: true });
  for (const [file, schema] of Object.entries(jsonSchemas())) {
    writeFileSync(join(folder, file), `${JSON.stringify(schema, null, 2)}\n`);
  }
}
