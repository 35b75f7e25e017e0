import { z } from 'zod';
import { faultResult } from './fault.ts';

const secret = z.strictObject({
  name: z.string(),
  where: z
    .string()
    .nullable()
    .describe('In words: .env, the environment, SHOP_TOKEN_FILE (/run/shop); null: the secret is not to be had.'),
  missing: z.string().nullable().describe('Why the secret is not to be had; null when it is.'),
  agents: z.array(z.string()).describe('Agents that declare the secret.'),
});

export const secretsResult = z
  .strictObject({
    secrets: z.array(secret).describe('By name.'),
    envFile: z.strictObject({
      isThere: z.boolean(),
      unused: z.array(z.string()).describe('Names in .env that no agent declares.'),
    }),
    problems: z.array(faultResult).describe('What is wrong with .env itself.'),
    notes: z.array(faultResult).describe('What is only worth a line.'),
  })
  .meta({ id: 'Secrets', description: 'The secrets that agents declare: names and places, never a value.' });

export type SecretsView = z.infer<typeof secretsResult>;
