import { z } from 'zod';
import { faultResult, json, time } from './fields.ts';

export const openResult = z
  .strictObject({
    url: z.string().describe('Signs one browser in, once.'),
    role: z.enum(['reader', 'operator']),
    until: time().describe('When the link is of no more use.'),
  })
  .meta({ id: 'Open', description: 'A link that signs a browser in to the page.' });

export const changedItem = z
  .strictObject({ at: time() })
  .meta({ id: 'Changed', description: 'Jobs, agents, incidents or pauses are not what they were.' });

export const auditResult = z
  .strictObject({
    at: time(),
    who: z.string().describe('A session of the page: the first digits of its hash.'),
    role: z.enum(['reader', 'operator']),
    operation: z.string(),
    args: json().describe('Without values of secrets; cut where they are long.'),
    ok: z.boolean(),
    fault: faultResult.nullable(),
  })
  .meta({ id: 'Audit', description: 'An act of somebody who has signed in to the page.' });

export type AuditView = z.infer<typeof auditResult>;
