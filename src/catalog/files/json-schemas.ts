import { z } from 'zod';
import { agentFileSchema } from './agent-file.ts';
import { hostSettingsSchema } from './host-settings.ts';

/** The JSON Schemas of the files that people write, by file name in `config/`. Draft 7: editors know no newer one. */
export function jsonSchemas(): Record<string, unknown> {
  return {
    'agent.schema.json': schemaOf(agentFileSchema, 'An agent: agents/<name>.yaml'),
    'daruma.schema.json': schemaOf(hostSettingsSchema, 'The host’s own settings: config/daruma.yaml'),
  };
}

function schemaOf(schema: z.ZodType, title: string): unknown {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
  return { $schema, title, ...rest };
}
