import { z } from 'zod';
import { countResult, ms } from './fields.ts';
import { agentResult } from './status.ts';

export const newResult = z
  .strictObject({
    file: z.string(),
    test: z.string().nullable().describe('null: a test of that name was there already.'),
    agent: agentResult.nullable().describe('As the running host lists it; null: no host runs.'),
    tookMs: ms().nullable().describe('Until the host had picked the plugin up; null: no host runs.'),
  })
  .meta({ id: 'New', description: 'The plugin that was written.' });

export const initResult = z
  .strictObject({
    folder: z.string().describe('Absolute.'),
    plugins: z.array(z.string()),
    next: z.array(z.string()).describe('The commands that start it.'),
  })
  .meta({ id: 'Init', description: 'The installation that was made.' });

const test = z.strictObject({
  file: z.string(),
  name: z.string(),
  ok: z.boolean(),
  skipped: z.boolean(),
  durationMs: ms().nullable(),
  error: z.string().nullable(),
});

export const testResult = z
  .strictObject({ ok: z.boolean(), passed: countResult(), failed: countResult(), tests: z.array(test) })
  .meta({ id: 'Tests', description: 'What came of the tests of plugins.' });

const hunk = z
  .strictObject({
    oldStart: countResult(),
    oldLines: countResult(),
    newStart: countResult(),
    newLines: countResult(),
    lines: z.array(z.strictObject({ sign: z.enum([' ', '-', '+']), text: z.string() })),
  })
  .describe('Changed lines with some of their neighbours; lines count from 1.');

const fileDiff = z.strictObject({
  path: z.string(),
  is: z.enum(['added', 'removed', 'changed']),
  hunks: z.array(hunk),
});

export const diffResult = z
  .strictObject({ plugin: z.string(), a: z.string(), b: z.string(), files: z.array(fileDiff) })
  .meta({ id: 'Diff', description: 'What two versions of a plugin differ in.' });

export const completionResult = z
  .strictObject({ shell: z.string(), script: z.string() })
  .meta({ id: 'Completion', description: 'What a shell has to read.' });

export type TestView = z.infer<typeof test>;
export type FileDiff = z.infer<typeof fileDiff>;
