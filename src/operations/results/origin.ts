import { z } from 'zod';
import { countResult, ms, time } from './fields.ts';

export const originResult = z
  .strictObject({
    origin: z.string().describe('https://api.example'),
    state: z
      .enum(['closed', 'open', 'half-open'])
      .describe('closed: calls go out · open: the server is down, and none does · half-open: one call is out to see.'),
    since: time().nullable().describe('null while the server is not down.'),
    probeAt: time().nullable().describe('When the next call goes out to see; null while none is planned.'),
    last: z
      .strictObject({ at: time(), what: z.string() })
      .nullable()
      .describe('The newest failure, also of a server that is well again.'),
    instead: z.array(z.string()).describe('Servers that are asked while this server is down, in order.'),
    calls: countResult(),
    failures: countResult(),
    refused: countResult().describe('Calls that did not go out because the server was down.'),
    p50Ms: ms().nullable().describe('Until the head of the answer, of the last good calls.'),
    p95Ms: ms().nullable(),
  })
  .meta({ id: 'Origin', description: 'A server that agents call. Figures count since the host started.' });

export type OriginView = z.infer<typeof originResult>;
