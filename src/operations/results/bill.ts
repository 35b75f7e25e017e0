import * as z from 'zod';
import { bytes, countResult } from './fields.ts';

const line = () =>
  z.strictObject({
    calls: countResult().describe('Of models.'),
    failedTries: countResult().describe('Rungs of the chain that gave these calls no answer.'),
    promptTokens: countResult(),
    completionTokens: countResult(),
    money: z.number().min(0).describe('Dollars, at the prices of models.prices.'),
    unpricedTokens: countResult().describe('Tokens without a price: their money is unknown, and not in `money`.'),
    unknownMoney: z
      .number()
      .min(0)
      .describe('The part of `money` that was reserved when the host was killed: it may not have been spent.'),
    heapMbHours: z.number().min(0).describe('JavaScript’s heap of its workers: megabytes × hours.'),
    nativeMbHours: z.number().min(0).describe('Other memory of its workers.'),
    childrenMbHours: z.number().min(0).describe('Memory of its commands.'),
    cpuSeconds: z.number().min(0).describe('Of its workers, and of its commands once they have ended.'),
    diskBytes: bytes().describe('Its state and its share of the versions of its plugin, as last measured; 0: not yet.'),
  });

export const billResult = z
  .strictObject({
    agent: z.string(),
    today: line(),
    month: line().describe('This calendar month until now.'),
    forecast: z
      .number()
      .min(0)
      .nullable()
      .describe(
        'Money of the whole month, if it goes on as since the first day with a figure; null: too early to say.',
      ),
    days: z
      .array(z.strictObject({ day: z.string().describe('2026-11-27'), ...line().shape }))
      .optional()
      .describe('The days of this month with a figure, oldest first; when asked for.'),
  })
  .meta({ id: 'Bill', description: 'What an agent costs.' });

export const billsResult = z
  .strictObject({
    day: z.string().describe('Today in the zone of the host: 2026-11-27.'),
    month: z.string().describe('2026-11'),
    timezone: z.string(),
    agents: z.array(billResult).describe('Agents with a figure this month, the dearest first.'),
    total: billResult.omit({ agent: true, days: true }),
  })
  .meta({ id: 'Bills', description: 'What agents cost today and this month, in the zone of the host.' });

export type BillView = z.infer<typeof billResult>;
export type BillsView = z.infer<typeof billsResult>;
