import { z } from 'zod';
import { faultResult } from './fault.ts';
import { countResult, ms } from './fields.ts';

export const errorResult = z
  .strictObject({ error: faultResult })
  .meta({ id: 'Error', description: 'What any command prints when it fails, with an exit code that is not 0.' });

export const helpResult = z
  .strictObject({
    usage: z.string(),
    about: z.string(),
    options: z.array(z.strictObject({ flags: z.string(), about: z.string() })),
    commands: z.array(z.strictObject({ name: z.string(), about: z.string() })),
  })
  .meta({ id: 'Help', description: 'What --help says of a command, and of each command below it.' });

export const programResult = z.strictObject({ version: z.string(), node: z.string() }).meta({ id: 'Program' });

export const stoppedResult = z.strictObject({ pid: countResult(), tookMs: ms() }).meta({ id: 'Stopped' });

export const forgottenResult = z
  .union([
    z.strictObject({ deleted: z.array(z.string()) }),
    z.strictObject({ done: z.literal(false), keys: z.array(z.string()) }),
  ])
  .meta({ id: 'Forgotten', description: 'Keys that were forgotten, or would be with --yes.' });

export type HelpView = z.infer<typeof helpResult>;
