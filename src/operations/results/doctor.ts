import * as z from 'zod';
import { commandFenceResult, fenceResult } from './status.ts';

const doctorCheckResult = z
  .strictObject({
    name: z.string().describe('The thing that was looked at, stable for scripts: `disk`, `secrets`.'),
    group: z.enum(['host', 'supervision', 'agents', 'llm', 'fences']),
    state: z
      .enum(['ok', 'warning', 'problem', 'unknown'])
      .describe('problem: something needs you · unknown: it was not, or cannot be, looked at.'),
    text: z.string().describe('What was found.'),
    fix: z.string().nullable().describe('What to type or to write; null where nothing is to be done.'),
  })
  .meta({ id: 'DoctorCheck', description: 'One thing that the doctor looked at.' });

export type DoctorCheck = z.infer<typeof doctorCheckResult>;

export const checkupResult = z
  .strictObject({ checks: z.array(doctorCheckResult) })
  .meta({ id: 'Checkup', description: 'Everything that the host, or the store while no host runs, can check.' });

export const doctorResult = fenceResult
  .extend({
    commands: commandFenceResult.nullable().describe('null: the fence that is set does not work.'),
    running: z.boolean().optional().describe('Whether a host answered.'),
    checks: z.array(doctorCheckResult).optional(),
  })
  .meta({ id: 'Doctor', description: 'The fences that hold on this machine, and everything else that was checked.' });

export type DoctorView = z.infer<typeof doctorResult>;
