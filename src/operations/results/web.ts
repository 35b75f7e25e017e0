import * as z from 'zod';
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
    via: z
      .string()
      .describe(
        'page · cli: the command line · mcp: an assistant, of what it has planned · else the name that a client of the control socket gives itself.',
      ),
    who: z
      .string()
      .describe(
        'A session of the page by the first digits of its hash, an assistant over HTTP by its name; else a user of the machine.',
      ),
    role: z.enum(['reader', 'operator']),
    operation: z.string(),
    args: json().describe('Without values of secrets; cut where they are long.'),
    ok: z.boolean(),
    fault: faultResult.nullable(),
    times: z
      .int()
      .min(1)
      .describe('Above 1: acts of one minute beyond the sixtieth that share this row, without their arguments.'),
  })
  .meta({ id: 'Audit', description: 'An act of a person or a program, by the page or by the control socket.' });

export type AuditView = z.infer<typeof auditResult>;
