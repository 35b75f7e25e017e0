import { z } from 'zod';
import { json, time } from './fields.ts';

export const changedSettingsResult = z
  .array(z.strictObject({ path: z.string(), before: z.string(), after: z.string() }))
  .describe('What the file says differently from the settings that last worked, as text; secrets are hidden.');

export const configResult = z
  .strictObject({
    is: z
      .enum(['on-probation', 'taken-back'])
      .describe('on-probation: the settings are tried · taken-back: those that last worked are in force instead.'),
    until: time().nullable().describe('When the settings count as good at the latest; null when they are taken back.'),
    why: z.string().nullable().describe('Why the settings are taken back.'),
    changed: changedSettingsResult,
  })
  .meta({ id: 'Config', description: 'What becomes of a changed config/daruma.yaml.' });

export const configShowResult = z
  .strictObject({
    values: z.array(z.strictObject({ path: z.string(), value: json(), origin: z.string() })),
    config: configResult.nullable().optional(),
  })
  .meta({ id: 'ConfigShow', description: 'Each setting with the place where it is said.' });

export const configChangedResult = z.strictObject({ changed: changedSettingsResult }).meta({ id: 'ConfigChanged' });

export type ConfigView = z.infer<typeof configResult>;
