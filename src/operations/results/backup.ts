import { z } from 'zod';
import { bytes, countResult, time } from './fields.ts';

export const backupResult = z
  .strictObject({
    file: z.string().describe('The name of the archive in `where`.'),
    at: time().describe('When the archive was made.'),
    bytes: bytes(),
    verifiedAt: time()
      .nullable()
      .describe('When the archive was last read back and its store was found whole; null: never.'),
    where: z.string().describe('The folder that the archive lies in, absolute.'),
  })
  .meta({ id: 'Backup', description: 'One archive in backups/.' });

export const proofResult = z
  .strictObject({
    file: z.string().describe('Absolute.'),
    madeAt: time().nullable().describe('null for an archive that does not say when it was made.'),
    jobs: countResult(),
    entries: countResult(),
    bytes: bytes().describe('Of all files in the archive, unpacked.'),
    lacks: z.array(z.string()).describe('What an installation has and the archive has not, one sentence each.'),
  })
  .meta({ id: 'Proof', description: 'What an archive holds, once it has proved that it can be restored.' });

export const restoreResult = proofResult
  .extend({
    folder: z.string().describe('The installation, absolute.'),
    aside: z
      .string()
      .nullable()
      .describe('Where the files that were there before are kept, relative to the installation; null: none were.'),
    packages: z
      .array(z.strictObject({ name: z.string(), wanted: z.string(), installed: z.boolean() }))
      .describe('What package.json asks for, and whether it is installed.'),
    secrets: z
      .array(z.strictObject({ name: z.string(), agents: z.array(z.string()) }))
      .describe('Secrets that agents need and that are nowhere to be found here.'),
  })
  .meta({ id: 'Restore', description: 'What a restore did, and what is left to do.' });

export type BackupView = z.infer<typeof backupResult>;
export type ProofView = z.infer<typeof proofResult>;
export type RestoreView = z.infer<typeof restoreResult>;
