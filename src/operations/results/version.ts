import * as z from 'zod';
import { bytes, countResult, faultResult, json, ms, time } from './fields.ts';

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
    rollout: z
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
  .strictObject({ agent: z.string(), before: z.string(), version: z.string(), rollout: z.string() })
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

const effect = z
  .strictObject({
    kind: z.string().describe('once, send, emit, exec, fetch, state.set or state.delete.'),
    what: z.string().describe('The key of an effect, the name of an agent, or as: POST https://…'),
    is: z
      .enum(['answered', 'captured', 'refused'])
      .describe(
        'answered: as recorded, or by a request that changes nothing · captured: noted and not done · refused: the attempt was told no.',
      ),
    data: json().optional(),
  })
  .meta({ id: 'RehearsedEffect', description: 'What a rehearsed attempt wanted of the world.' });

const side = z
  .strictObject({
    version: z.string().nullable(),
    state: z.enum(['done', 'failed']),
    result: json(),
    summary: z.string().nullable(),
    error: faultResult.nullable(),
    durationMs: ms().nullable(),
    effects: z
      .array(effect)
      .nullable()
      .describe('The first 100, in order; null: the record of the job, which holds none.'),
    refused: countResult().describe('How many of all effects were refused.'),
    logs: z.array(z.strictObject({ level: z.string(), message: z.string() })),
  })
  .meta({ id: 'RehearsalSide', description: 'How one run of a job went.' });

export const rehearsedItem = z
  .strictObject({
    job: z.string(),
    agent: z.string(),
    is: z
      .enum(['same', 'differs', 'mended', 'fails', 'both-fail', 'unclear'])
      .describe(
        'mended: only the new version is done · fails: only the old version is done · unclear: something was refused.',
      ),
    startedAt: time().describe('When the recorded attempt began.'),
    input: json(),
    old: side,
    new: side,
    differences: z
      .array(z.strictObject({ path: z.string(), is: z.string(), before: json().optional(), after: json().optional() }))
      .describe('Places in which the results differ, the first 50 of `differing`.'),
    differing: countResult(),
  })
  .meta({ id: 'Rehearsed', description: 'A recorded job, and what a new version makes of its input.' });

export const rehearsalResult = z
  .strictObject({
    agents: z.array(
      z.strictObject({
        agent: z.string(),
        version: z.string(),
        against: z.string().nullable().describe('The version that was run beside; null: the record.'),
        file: z.string().nullable().describe('The file of which the new version was made.'),
      }),
    ),
    live: z.boolean().describe('Whether GET and HEAD went out.'),
    jobs: z.array(rehearsedItem),
  })
  .meta({ id: 'Rehearsal' });

export const dryRunResult = side
  .extend({
    agent: z.string(),
    live: z.boolean().describe('Whether GET and HEAD went out.'),
    standIns: z.array(z.string()).describe('Secrets that are missing: the attempt got a value that leads nowhere.'),
  })
  .meta({ id: 'DryRun', description: 'What a job would do. captured and refused: what would get out.' });

export type DryRunView = z.infer<typeof dryRunResult>;

const need = z.enum(['read', 'write', 'net', 'modules', 'secrets', 'exec', 'fleet', 'llm']);
const needList = () => z.array(z.string()).optional();
/** The needs of an agent or a plugin. */
export const needsResult = z
  .strictObject({
    secrets: needList(),
    env: needList(),
    net: needList(),
    read: needList(),
    write: needList(),
    exec: needList().describe('Commands; an entry with arguments as JSON.'),
    kill: needList().describe('Words of command lines; * for all.'),
    modules: needList(),
    fleet: z.boolean().optional(),
    llm: z
      .union([
        z.literal(true),
        z.strictObject({ calls: z.number().optional(), tokens: z.number().optional(), money: z.number().optional() }),
      ])
      .optional(),
  })
  .meta({ id: 'LearnedNeeds', description: 'The needs of an agent; keys that grant nothing are left out.' });

export const learnedResult = z
  .strictObject({
    agent: z.string(),
    version: z.string(),
    attempts: countResult().describe(
      'How often it ran: files that stood in the way are granted for a further attempt.',
    ),
    state: z.enum(['done', 'failed']).describe('How the last attempt ended.'),
    error: faultResult.nullable(),
    declared: needsResult,
    needs: needsResult,
    added: z
      .array(z.strictObject({ need, what: z.string(), refused: z.boolean() }))
      .describe(
        'Entries of `needs` that are not declared. refused: the attempts were told no, and may want more behind it.',
      ),
    unused: z.array(z.strictObject({ need, what: z.string() })).describe('Declared, and not used in this run.'),
  })
  .meta({ id: 'Learned', description: 'What an agent used, and the smallest needs for it.' });

export type LearnedView = z.infer<typeof learnedResult>;
export type RehearsedEffect = z.infer<typeof effect>;
export type RehearsalSide = z.infer<typeof side>;
export type RehearsedView = z.infer<typeof rehearsedItem>;
export type RehearsalView = z.infer<typeof rehearsalResult>;
