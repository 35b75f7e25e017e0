import * as z from 'zod';
import { PLANNED_ACTS } from '../planned-acts.ts';
import { json, time } from './fields.ts';

export const planResult = z
  .strictObject({
    act: z.enum(PLANNED_ACTS),
    args: json().describe('The arguments as they were read, defaults included.'),
    confirm: z.string().describe('The act in one sentence: `apply` wants it back, word for word.'),
    would: z.array(z.string()).describe('What would be done now, in sentences.'),
    evidence: z.array(z.string()).describe('Agents, jobs and incidents that the act is about; the first 20.'),
    token: z.string().describe('For one `apply` of this act, while what it is about stays as it is.'),
    until: time().describe('When the token is of no more use.'),
  })
  .meta({ id: 'Plan', description: 'What an act would do, and the token with which it is done.' });

export type PlanView = z.infer<typeof planResult>;

export const appliedResult = z
  .strictObject({
    act: z.enum(PLANNED_ACTS),
    confirm: z.string(),
    value: json().describe('The answer of the operation.'),
  })
  .meta({ id: 'Applied', description: 'A planned act that was done.' });

const role = () => z.enum(['reader', 'operator']).describe('operator: also acts, each planned before it is applied.');

export const assistantResult = z
  .strictObject({ name: z.string(), role: role(), madeAt: time(), until: time() })
  .meta({ id: 'Assistant', description: 'An assistant that may ask over HTTP.' });

export const allowedResult = z
  .strictObject({
    name: z.string(),
    role: role(),
    token: z.string().describe('Shown this once; the host keeps its hash.'),
    until: time(),
    url: z.string().nullable().describe('Where the assistant asks; null: there is no page.'),
  })
  .meta({ id: 'Allowed', description: 'The token of an assistant.' });

export const revokedResult = z
  .strictObject({ name: z.string(), revoked: z.boolean().describe('false: there was no such token.') })
  .meta({ id: 'Revoked' });
