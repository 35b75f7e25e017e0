import { z } from 'zod';
import { countResult, json, time } from './fields.ts';

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
  })
  .meta({
    id: 'Incident',
    description: 'One trouble of an agent, or of the host: what was seen, what was done, what came of it.',
  });

export type IncidentView = z.infer<typeof incidentResult>;
