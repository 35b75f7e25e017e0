import { z } from 'zod';
import type { PlainFault } from '../../kernel/fault.ts';
import { json } from './fields.ts';

/** A failure that people can act on. The type is the kernel's. */
export const faultResult = z
  .strictObject({
    code: z.string().describe('Upper-case words, stable for scripts: SETTINGS_INVALID.'),
    message: z.string().describe('One sentence with the cause in it.'),
    next: z.string().optional().describe('What to do about it: a command or an edit.'),
    file: z.string().optional().describe('Relative to the installation where it is inside.'),
    line: z.int().optional(),
    column: z.int().optional(),
    frame: z.string().optional().describe('The lines around the place, with a marker, ready to print.'),
    stack: z.string().optional(),
    data: z.record(z.string(), json()).optional(),
  })
  .meta({ id: 'Fault', description: 'A failure that people can act on.' }) satisfies z.ZodType<PlainFault>;
