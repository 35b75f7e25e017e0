import * as z from 'zod';
import { AGENT_CLASSES } from '../../jobs/agent.ts';
import { BOUNDS, type Bounds } from '../../kernel/bounds.ts';
import { timetableOf } from '../../kernel/cron/timetable.ts';
import { zoneProblem } from '../../kernel/cron/zone-name.ts';
import { Fault } from '../../kernel/fault.ts';
import { readLength, readSize, readTokens, type UnitProblem } from '../../kernel/units.ts';

const DURATION = 'a length of time such as 250ms, 10s, 15m, 6h or 2d';
const SIZE = 'a size such as 64MB, 512KB or 1.5GB';

/** A length of time as written. */
export function lengthField(bounds: Bounds) {
  return z
    .string({ error: `expected ${DURATION}` })
    .regex(/^\s*\d+(\.\d+)?\s*(ms|s|m|h|d)\s*$/, { error: `expected ${DURATION}`, abort: true })
    .superRefine(asIssue((text) => readLength(text, bounds)));
}

/** A size as written, in any case. */
export function sizeField(bounds: Bounds) {
  return z
    .string({ error: `expected ${SIZE}` })
    .regex(/^\s*\d+(\.\d+)?\s*([KkMmGg]?[Bb])\s*$/, { error: `expected ${SIZE}`, abort: true })
    .superRefine(asIssue((text) => readSize(text, bounds)));
}

/** A number of tokens: a whole number, or as written `500k` or `2M`. */
export function tokensField(bounds: Bounds) {
  const error = 'expected a number of tokens such as 4096, 500k or 2M';
  return z.union([z.number(), z.string()], { error }).superRefine((said, context) => {
    const value = readTokens(said, bounds);
    if (typeof value === 'string') context.addIssue({ code: 'custom', message: value });
  });
}

/** A whole number. */
export function countField({ least, most }: Bounds) {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

/** An object with these keys and no others. `example`: a value, for the error about what is no object. */
function keysField<Shape extends z.core.$ZodLooseShape>(example: string, shape: Shape) {
  const expected = `expected keys with values, such as \`${example}\``;
  return z.strictObject(shape, { error: ({ code }) => (code === 'invalid_type' ? expected : undefined) });
}

function asIssue(read: (text: string) => number | UnitProblem) {
  return (text: string, context: { addIssue(issue: { code: 'custom'; message: string }): void }) => {
    const value = read(text);
    if (typeof value === 'string') context.addIssue({ code: 'custom', message: value });
  };
}

/** An IANA name of a time zone. */
export const timezoneField = z
  .string({ error: 'expected the name of a time zone such as Europe/Berlin or UTC' })
  .superRefine((name, context) => {
    const problem = zoneProblem(name);
    if (problem) context.addIssue({ code: 'custom', message: problem.is, params: { next: problem.next } });
  });

const SCHEDULE = 'expected a cron expression in quotes, or @every 90m';
const MOMENT = 'expected a day such as 2026-12-24, or a moment such as 2026-12-24T18:00';

/** The times of an agent. The meaning of the texts is checked when all of them are known. */
export const whenFields = {
  schedule: z
    .string({ error: SCHEDULE })
    .max(200, { error: 'is longer than 200 characters' })
    .optional()
    .describe(
      'Five or six cron fields (seconds first) with L, LW, 15W, MON#1, FRI#L; an alias, @hourly … @yearly; or @every 90m. In quotes.',
    ),
  at: z
    .string({ error: 'expected a moment such as 2026-12-24T18:00' })
    .max(40, { error: 'is longer than 40 characters' })
    .optional()
    .describe('One moment instead of a schedule, as 2026-12-24T18:00 in its time zone: it runs once.'),
  from: z
    .string({ error: MOMENT })
    .max(40)
    .optional()
    .describe('A day or a moment of its time zone: nothing is due before it.'),
  until: z
    .string({ error: MOMENT })
    .max(40)
    .optional()
    .describe('A day, as a whole, or a moment: nothing is due after it.'),
  except: z
    .array(z.string({ error: 'expected a day such as 2026-12-25' }).max(40), {
      error: 'expected a list of days such as [2026-12-25, 2026-12-31/2027-01-01]',
    })
    .max(400)
    .optional()
    .describe('Days on which nothing is due: 2026-12-25, or 2026-12-24/2027-01-01.'),
};

/** Names with dots between them: the place of a value in a JSON text. */
const pathField = (error: string) =>
  z
    .string()
    .max(200)
    .regex(/^[\w$-]+(\.[\w$-]+)*$/, { error });

/** How the jobs of an agent become one. */
export const debounceField = keysField("{ period: '30s' }", {
  period: lengthField(BOUNDS.timer).describe('A job waits for so long after the last time that it was asked for.'),
  timeout: lengthField(BOUNDS.timer)
    .optional()
    .describe('It waits no longer than this after the first time. Default: ten times the period.'),
  key: pathField('expected a path in the input such as order.id')
    .optional()
    .describe(
      'The path of a value in the input: jobs with equal values become one. Default: all jobs of the agent do.',
    ),
});

/** How many jobs with equal values in their input run at a time, and begin within a length of time. */
export const limitField = keysField('{ concurrency: 2 }', {
  key: pathField('expected a path in the input such as account.id')
    .optional()
    .describe(
      'The path of a value in the input: jobs with equal values share the limit. Default: all jobs of the agent do.',
    ),
  concurrency: countField(BOUNDS.ofKey).optional().describe('Jobs of one key that run at a time, at most.'),
  rate: countField(BOUNDS.ofKey).optional().describe('Jobs of one key that begin within `per`, at most.'),
  per: lengthField(BOUNDS.timer).optional().describe('The length of time that `rate` counts in.'),
});

/** The rule for slots that were missed. */
export const catchUpField = z.enum(['skip', 'once', 'all']);
/** The rule for a slot while an earlier job runs. */
export const overlapField = z.enum(['skip', 'queue', 'replace']);
/** Whether an agent shares its cell. */
export const isolationField = z.enum(['shared', 'own']);
/** How much an agent's work matters beside that of others. */
export const classField = z.enum(AGENT_CLASSES);
/** Topics of `on`. */
export const topicsField = z.array(
  z
    .string({ error: 'expected a topic such as order.created' })
    .regex(/^[a-z0-9][a-zA-Z0-9_.:-]{0,199}$/, { error: 'expected a topic such as order.created' }),
);

/** The limits of an agent, as written. */
export const limitsField = keysField("{ timeout: '2m' }", {
  memory: sizeField(BOUNDS.memory).optional().describe('Heap, external memory and children together. Default 128MB.'),
  timeout: lengthField(BOUNDS.timer).optional().describe('The longest that one attempt may take. Default 5m.'),
  silence: lengthField(BOUNDS.timer)
    .optional()
    .describe('The longest without a beat or other progress. Default: the timeout, at most 15m.'),
  attempts: countField(BOUNDS.attempts).optional().describe('How often a job is tried in all. Default 5.'),
  backoff: z
    .strictObject({
      first: lengthField(BOUNDS.timerOrNone).optional().describe('Before the second attempt. Default 1s.'),
      longest: lengthField(BOUNDS.timerOrNone).optional().describe('No pause is longer. Default 5m.'),
    })
    .optional()
    .describe('The pauses between attempts, doubled each time.'),
  staleAfter: lengthField(BOUNDS.use)
    .optional()
    .describe('A job that could not start within this time is dropped. Default: never.'),
  grace: lengthField(BOUNDS.timerOrNone)
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
/** Each form by itself: an error names what is wrong in the form that was meant. */
const commandGrant = z.union([
  commandName,
  z.strictObject({
    command: z.string().regex(/^([A-Za-z0-9_][A-Za-z0-9_.+-]*|\/.*[^/])$/, {
      error: 'expected the name of a command such as git, or an absolute path such as /opt/tool/bin/tool',
    }),
    args: z.array(z.string().max(1_000)).max(100),
  }),
]);
const pathName = z.string().min(1, { error: 'expected a path' });

const llmLimits = z.strictObject({
  calls: countField(BOUNDS.modelCalls).optional().describe('Calls in a day.'),
  tokens: tokensField(BOUNDS.tokens).optional().describe('Tokens of prompts and answers in a day.'),
  money: z
    .number({ error: 'expected an amount of money such as 0.5' })
    .min(0, { error: 'expected an amount of money such as 0.5' })
    .optional()
    .describe('Money in a day, in the currency of models.prices.'),
});

/** The needs of a plugin, as written. */
export const needsField = keysField("{ net: ['api.example.com'] }", {
  secrets: z.array(secretName).optional().describe('Names of secrets.'),
  env: z.array(secretName).optional().describe('Names of environment variables, without secrets.'),
  net: z.array(hostName).optional().describe('Hosts that may be reached.'),
  read: z.array(pathName).optional().describe('Files and folders that may be read.'),
  write: z.array(pathName).optional().describe('Files and folders that may be read and written.'),
  exec: z
    .array(commandGrant)
    .optional()
    .describe(
      'Commands that may be run; with `args`, only with those: a * is any one argument, and at the end any number.',
    ),
  kill: z
    .array(z.string().min(1).max(200))
    .optional()
    .describe('Words of command lines, * for all: processes that may be signalled.'),
  modules: z
    .array(z.enum(['node:sqlite']))
    .optional()
    .describe('Guarded modules of Node that may be imported.'),
  fleet: z.boolean().optional().describe('The read-only view of the installation.'),
  llm: z
    .union([z.boolean(), llmLimits], { error: 'expected true, false, or limits such as { calls: 100, tokens: 200k }' })
    .optional()
    .describe('Models: true, or the most that a day may use.'),
});

const WEBHOOK_SECRET = 'expected the name of a secret such as GITHUB_SECRET, or two names while it is changed';
const webhookSecret = z.union([secretName, z.array(secretName).min(1).max(2)], { error: WEBHOOK_SECRET }).optional();
const VERIFY_FORM = 'expected one of github, stripe, slack and bearer with the name of a secret';

/** The deliveries that an agent takes, as written in an agent file. */
export const webhookField = keysField("{ verify: { github: 'GITHUB_WEBHOOK_SECRET' } }", {
  verify: z
    .strictObject({ github: webhookSecret, stripe: webhookSecret, slack: webhookSecret, bearer: webhookSecret })
    .refine((forms) => Object.values(forms).filter((said) => said !== undefined).length === 1, { error: VERIFY_FORM })
    .optional()
    .describe('The form of the signature, and the secret that senders share with the host.'),
  key: pathField('expected a path in the body such as order.id')
    .optional()
    .describe('The path of the delivery’s id in the body. Default: the sender’s own id.'),
  maxBody: sizeField(BOUNDS.delivery).optional().describe('The longest body. Default 256KB.'),
  perMinute: countField(BOUNDS.deliveries)
    .optional()
    .describe('Deliveries that are taken in a minute; the next ones get status 429. Default 600.'),
  maxWaiting: countField(BOUNDS.waitingJobs)
    .optional()
    .describe('Jobs of the agent that may wait; further deliveries get status 503. Default 10000.'),
});

/** The number of workers of an agent. */
export const workersField = keysField('{ max: 4 }', {
  min: countField(BOUNDS.warmWorkers).optional().describe('Kept warm. Default 0.'),
  max: countField(BOUNDS.workers).optional().describe('At most, by the load. Default 1, or `min`.'),
});

/** A cron expression that the schedule can read. `expected`: the error for a value that is no text. */
export const cronField = (expected: string) =>
  z.string({ error: expected }).superRefine((expression, context) => {
    try {
      timetableOf({ expression, timezone: 'UTC' });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      context.addIssue({ code: 'custom', message: error.plain.message, params: { next: error.plain.next } });
    }
  });
