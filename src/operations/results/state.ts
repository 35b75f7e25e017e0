import { z } from 'zod';
import { bytes, countResult, json, time } from './fields.ts';

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
