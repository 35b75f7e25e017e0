import { z } from 'zod';
import { bytes, countResult, time } from './fields.ts';

const unreadable = z
  .strictObject({
    table: z.string().describe('job, pause, …'),
    row: z.string().describe('For people: job-2s, the name of an agent.'),
    agent: z.string().nullable(),
    why: z.string().describe('Each column that cannot be read, with what stands in it.'),
  })
  .meta({ id: 'Unreadable', description: 'A row of the store that nobody can read.' });

const aside = unreadable
  .extend({
    id: countResult(),
    at: time(),
    content: z
      .string()
      .describe('The whole row, as the text of a JSON object: its numbers may be beyond what JavaScript reads.'),
  })
  .meta({ id: 'Aside', description: 'A row that was set aside.' });

export const storeResult = z
  .strictObject({
    file: z.string().describe('Absolute.'),
    schema: countResult(),
    bytes: bytes().describe('With the log of the store.'),
    integrity: z.string().describe("SQLite's own word on the file: ok, or what is damaged."),
    unreadable: z.array(unreadable).describe('At most 1,000 of each table.'),
    mended: countResult().describe('Rows that were set aside just now.'),
    setAside: z.array(aside).describe('Newest first, at most 1,000.'),
  })
  .meta({ id: 'Store', description: 'What was found in the store, row by row.' });

export type UnreadableView = z.infer<typeof unreadable>;
export type StoreView = z.infer<typeof storeResult>;
