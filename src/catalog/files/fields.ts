import { z } from 'zod';
import { parseDuration, parseSize } from '../../kernel/units.ts';
import { LONGEST_TIMER_MS, MEMORY_LEAST_BYTES } from './limits.ts';

const DURATION = 'a length of time such as 250ms, 10s, 15m, 6h or 2d';
const SIZE = 'a size such as 64MB, 512KB or 1.5GB';

/** A length of time as written. Zero is only allowed where waiting is optional. */
export function durationField(options: { zero?: boolean } = {}) {
  return z
    .string({ error: `expected ${DURATION}` })
    .regex(/^\s*\d+(\.\d+)?\s*(ms|s|m|h|d)\s*$/, { error: `expected ${DURATION}`, abort: true })
    .refine((text) => options.zero || parseDuration(text)! > 0, { error: 'must be longer than nothing' })
    .refine((text) => parseDuration(text)! <= LONGEST_TIMER_MS, { error: 'is longer than 24 days' });
}

/** A size as written, in any case. */
export function sizeField(least = 1) {
  return z
    .string({ error: `expected ${SIZE}` })
    .regex(/^\s*\d+(\.\d+)?\s*([KkMmGg]?[Bb])\s*$/, { error: `expected ${SIZE}`, abort: true })
    .refine((text) => parseSize(text)! >= least, {
      error: `is too small; the least is ${least >= 1024 ** 2 ? `${least / 1024 ** 2}MB` : `${least}B`}`,
    });
}

export const timezoneField = z
  .string({ error: 'expected the name of a time zone such as Europe/Berlin or UTC' })
  .refine(isTimezone, { error: 'is no time zone; expected a name such as Europe/Berlin or UTC' });

export const catchUpField = z.enum(['skip', 'once', 'all']);
export const overlapField = z.enum(['skip', 'queue', 'replace']);
export const isolationField = z.enum(['shared', 'own']);
export const topicsField = z.array(
  z
    .string({ error: 'expected a topic such as order.created' })
    .regex(/^[a-z0-9][a-zA-Z0-9_.:-]{0,199}$/, { error: 'expected a topic such as order.created' }),
);

export const limitsField = z.strictObject({
  memory: sizeField(MEMORY_LEAST_BYTES)
    .optional()
    .describe('Heap, external memory and children together. Default 128MB.'),
  timeout: durationField().optional().describe('The longest that one attempt may take. Default 5m.'),
  silence: durationField()
    .optional()
    .describe('The longest without a beat or other progress. Default: the timeout, at most 15m.'),
  attempts: z
    .int({ error: 'expected a whole number from 1 to 100' })
    .min(1, { error: 'expected a whole number from 1 to 100' })
    .max(100, { error: 'expected a whole number from 1 to 100' })
    .optional()
    .describe('How often a job is tried in all. Default 5.'),
  backoff: z
    .strictObject({
      first: durationField({ zero: true }).optional().describe('Before the second attempt. Default 1s.'),
      longest: durationField({ zero: true }).optional().describe('No pause is longer. Default 5m.'),
    })
    .optional()
    .describe('The pauses between attempts, doubled each time.'),
  staleAfter: durationField()
    .optional()
    .describe('A job that could not start within this time is dropped. Default: never.'),
  grace: durationField({ zero: true })
    .optional()
    .describe('How long a job is given to end after its signal was aborted. Default 2s.'),
});

const secretName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected a name such as SHOP_TOKEN' });
const hostName = z
  .string()
  .regex(/^(\*|(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?)$/, {
    error: 'expected a host such as api.shop.example, *.shop.example, localhost:8080 or *, without scheme and path',
  });
const commandName = z.string().regex(/^(\*|[A-Za-z0-9_][A-Za-z0-9_.+-]*|\/.*[^/])$/, {
  error: 'expected the name of a command such as git, an absolute path such as /opt/tool/bin/tool, or *',
});
const pathName = z.string().min(1, { error: 'expected a path' });

export const needsField = z.strictObject({
  secrets: z.array(secretName).optional().describe('Names of secrets.'),
  env: z.array(secretName).optional().describe('Names of environment variables, without secrets.'),
  net: z.array(hostName).optional().describe('Hosts that may be reached.'),
  read: z.array(pathName).optional().describe('Files and folders that may be read.'),
  write: z.array(pathName).optional().describe('Files and folders that may be read and written.'),
  exec: z.array(commandName).optional().describe('Commands that may be run.'),
  modules: z
    .array(z.enum(['node:sqlite']))
    .optional()
    .describe('Guarded modules of Node that may be imported.'),
  fleet: z.boolean().optional().describe('The read-only view of the installation.'),
});

const workerCount = (least: number) =>
  z
    .int({ error: `expected a whole number from ${least} to 64` })
    .min(least, { error: `expected a whole number from ${least} to 64` })
    .max(64, { error: `expected a whole number from ${least} to 64` });

export const workersField = z.strictObject({
  min: workerCount(0).optional().describe('Kept warm. Default 0.'),
  max: workerCount(1).optional().describe('Side by side at most. Default 1, or `min`.'),
});

/** Whether the machine knows the zone; offsets such as `+02:00` have no daylight-saving rules and are refused. */
export function isTimezone(name: string): boolean {
  if (/^[+-]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
