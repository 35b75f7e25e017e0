import { z } from 'zod';
import { faultResult } from './fault.ts';
import { bytes, ms, time } from './fields.ts';

const usedBy = z.strictObject({
  agent: z.string(),
  is: z.string(),
  runs: z.boolean(),
  why: z.string().optional(),
});

export const versionResult = z
  .strictObject({
    id: z.string(),
    madeAt: time(),
    bytes: bytes(),
    standing: z
      .enum(['probation', 'good', 'bad', 'unused'])
      .describe('What the version is to the agents in force; unused: no agent runs or judges it.'),
    agents: z.array(usedBy),
  })
  .meta({ id: 'Version', description: 'A version of a plugin that is kept.' });

export const versionsResult = z
  .strictObject({ plugin: z.string(), versions: z.array(versionResult).describe('Newest first.') })
  .meta({ id: 'Versions' });

export const sourcesResult = z
  .strictObject({ plugin: z.string(), files: z.array(z.strictObject({ path: z.string(), text: z.string() })) })
  .meta({ id: 'Sources', description: 'The files of the author, without libraries.' });

export const rolledBackResult = z
  .strictObject({ agent: z.string(), before: z.string(), version: z.string(), standing: z.string() })
  .meta({ id: 'RolledBack' });

export const changeResult = z
  .strictObject({
    at: time(),
    file: z.string(),
    is: z.enum(['accepted', 'rejected', 'removed']),
    plugin: z.string().nullable(),
    version: z.string().nullable().describe('The version that runs now; after a rejection the version before.'),
    agents: z.array(z.string()).describe('Agents that are made of the file.'),
    nextSlot: time().nullable().describe('The next time at which an agent of them is due.'),
    tookMs: ms().nullable().describe('From the change of the file until it was in force.'),
    problem: faultResult.nullable(),
  })
  .meta({ id: 'Change', description: 'What came of a file in plugins/ or agents/ that was saved, moved or removed.' });

export type VersionView = z.infer<typeof versionResult>;
export type ChangeView = z.infer<typeof changeResult>;
