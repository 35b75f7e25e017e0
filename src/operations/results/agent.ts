import * as z from 'zod';
import { bytes, countResult, faultResult, json, time } from './fields.ts';

const remedy = z.strictObject({
  kind: z.string(),
  by: z
    .string()
    .nullable()
    .describe('healing, or the room that did it without being asked; null: an older host wrote it down.'),
  at: time(),
  what: z.string(),
  outcome: z
    .enum(['held', 'did not hold', 'pending'])
    .describe('pending: until the next real job of the agent is done.'),
});

const diagnosis = z
  .strictObject({
    incident: z.string().describe('The incident for which a model was asked; the answer is that of its cause.'),
    at: time(),
    model: z.string().nullable().describe('Who answered; null: the agent that asked did not say.'),
    cause: z.string(),
    evidence: z
      .array(z.strictObject({ id: z.string(), what: z.string(), text: z.string().nullable() }))
      .describe('The pieces that the cause rests on; the text of source code is null.'),
    advice: z.string(),
    remedy: z.string().nullable().describe('The remedy that is advised; null: none.'),
    confidence: z.number().describe('0 to 1, by the word of the model.'),
    outcome: z.string().nullable().describe('What became of the remedy; null: there is none.'),
  })
  .meta({ id: 'Diagnosis', description: 'The words of a model on the cause of an incident, checked by the host.' });

export type DiagnosisView = z.infer<typeof diagnosis>;

export const incidentResult = z
  .strictObject({
    id: z.string(),
    agent: z.string().nullable().describe('null: the host.'),
    verdict: z.string(),
    state: z.enum(['open', 'healed', 'escalated', 'closed']),
    openedAt: time(),
    healedAt: time().nullable().describe('null unless the incident was healed.'),
    endedAt: time().nullable().describe('Healed or closed.'),
    seen: z.string(),
    version: z.string().nullable(),
    jobs: z.array(z.string()),
    remedies: z.array(remedy),
    timeline: z.array(z.strictObject({ at: time(), what: z.string(), text: z.string() })),
    evidence: z.record(z.string(), json()).nullable().describe('What was found; its times as ISO 8601.'),
    fingerprint: z.string(),
    repeats: countResult().describe('How often the same came again before the incident ended.'),
    note: z.string().nullable(),
    mutedUntil: time()
      .nullable()
      .optional()
      .describe('Until then nobody is told of incidents of this cause (the fingerprint); null: it is not muted.'),
    diagnosis: diagnosis.nullable().optional().describe('null: no model was asked, or its answer was of no use.'),
  })
  .meta({
    id: 'Incident',
    description: 'One trouble of an agent, or of the host: what was seen, what was done, what came of it.',
  });

export type IncidentView = z.infer<typeof incidentResult>;

export const evidenceResult = z
  .strictObject({
    evidence: z.array(z.strictObject({ id: z.string(), what: z.string(), text: z.string() })),
    remedies: z.array(z.string()).describe('The remedies that a model may advise.'),
  })
  .meta({ id: 'Evidence', description: 'Pieces of evidence of an incident, most telling first, without secrets.' });

export const stateEntryResult = z
  .strictObject({
    key: z.string(),
    value: json(),
    bytes: bytes().describe('Of the JSON text in UTF-8.'),
    setAt: time(),
  })
  .meta({ id: 'StateEntry', description: 'One key of the state of an agent.' });

export const stateSizeResult = z
  .strictObject({ agent: z.string(), keys: countResult(), bytes: bytes() })
  .meta({ id: 'StateSize' });

export const stateSetResult = z
  .strictObject({ before: stateEntryResult.nullable().describe('What was there.') })
  .meta({ id: 'StateSet' });

export const stateMovedResult = z
  .strictObject({
    moved: z.array(z.string()),
    kept: z.array(z.string()).describe('Keys that the other agent has already.'),
  })
  .meta({ id: 'StateMoved' });

export type StateEntryView = z.infer<typeof stateEntryResult>;
export type StateSizeView = z.infer<typeof stateSizeResult>;

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
