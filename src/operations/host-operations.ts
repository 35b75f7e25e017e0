import * as z from 'zod';
import { BOUNDS } from '../kernel/bounds.ts';
import { LOG_LEVELS } from '../kernel/log.ts';
import { PING_NAME } from '../kernel/ping-name.ts';
import { countArgument, flag, instant, limit, name, text } from './arguments.ts';
import { NO_ARGUMENTS, type Operation } from './operation.ts';

const statusResults = () => import('./results/status.ts');
const hostResults = () => import('./results/host.ts');
const commandResults = () => import('./results/command.ts');
const webResults = () => import('./results/web.ts');

/** Operations on the host itself. */
export const HOST_OPERATIONS = {
  ping: {
    kind: 'read',
    role: 'reader',
    about: 'The host that answers, and its folder.',
    args: NO_ARGUMENTS,
    result: async () => (await hostResults()).pingResult,
  },
  health: {
    kind: 'read',
    role: 'reader',
    about: 'Whether the host lives, works and is well, and if not, why; the last sign of life of each loop and agent.',
    args: NO_ARGUMENTS,
    result: async () => (await import('./results/health.ts')).healthResult,
  },
  doctor: {
    kind: 'read',
    role: 'reader',
    about: 'Everything that can be checked without a trial, each with its fix: machine, folder, supervision, agents.',
    args: NO_ARGUMENTS,
    result: async () => (await import('./results/doctor.ts')).checkupResult,
  },
  models: {
    kind: 'read',
    role: 'reader',
    about: 'The chain of models: the state of each rung, and what came of its calls.',
    args: NO_ARGUMENTS,
    result: async () => (await import('./results/models.ts')).modelsResult,
  },
  metrics: {
    kind: 'read',
    role: 'reader',
    about: 'Figures of now: what /metrics of the page gives to Prometheus.',
    args: NO_ARGUMENTS,
    result: async () => (await import('./results/metrics.ts')).metricsResult,
  },
  pingForget: {
    kind: 'act',
    role: 'operator',
    about: 'Forgets a program that pinged: nothing waits for it any more.',
    args: z.strictObject({ name: pingName() }),
    result: async () => (await import('./results/health.ts')).pingForgottenResult,
  },
  level: {
    kind: 'act',
    role: 'operator',
    about:
      'Sets the lowest level at which an agent may log, in its running workers too, for a time or until the host ends.',
    args: z.strictObject({
      agent: name(),
      level: logLevel(),
      forMs: countArgument(BOUNDS.timer).optional().describe('How long (default: until the host ends).'),
    }),
    options: { forMs: '--for <time>' },
    result: async () => (await hostResults()).levelResult,
  },
  follow: {
    kind: 'stream',
    role: 'reader',
    about: 'Lines of the log as they are written.',
    args: z.strictObject({
      agent: name().optional(),
      job: name().optional().describe('Only lines of one job.'),
      level: logLevel().default('debug').describe('The lowest level that is sent.'),
    }),
    options: { job: '--job <id>', level: '--level <level>' },
    item: async () => (await hostResults()).logLineResult,
    result: async () => z.null(),
  },
  logs: {
    kind: 'read',
    role: 'reader',
    about: 'The newest lines of the log files, oldest first; the newest 50,000 are searched.',
    args: z.strictObject({
      agent: name().optional(),
      job: name().optional().describe('Only lines of one job.'),
      level: logLevel().default('debug').describe('The lowest level that is shown.'),
      text: text(200).optional().describe('Only lines with the text anywhere in them.'),
      before: instant().optional().describe('Only lines that were written before: the way to the next page.'),
      places: flag().describe('With the place of each line: its file and its number.'),
      limit: limit(),
    }),
    result: async () => z.array((await hostResults()).logLineResult),
  },
  logFiles: {
    kind: 'read',
    role: 'reader',
    about: 'The log files that are kept, newest first, at most 1,000.',
    args: NO_ARGUMENTS,
    result: async () => z.array((await hostResults()).logFileResult),
  },
  series: {
    kind: 'read',
    role: 'reader',
    about: 'What the meter measured of an agent, or of the host itself: docs/metrics.md.',
    args: z.strictObject({
      agent: name().optional().describe('Default: the series of the host.'),
      since: instant()
        .optional()
        .describe('From then on (default: a day ago). Minutes up to 3 hours, hours up to 14 days, else days.'),
      name: text(200).optional().describe('Only series of that name.'),
    }),
    options: {
      since: '--since <time>',
      name: '--name <series>',
    },
    result: async () => (await import('./results/series.ts')).seriesResult,
  },
  events: {
    kind: 'read',
    role: 'reader',
    about: 'What happened in the installation, newest first: changes, pauses, incidents, and who asked for them.',
    args: z.strictObject({
      agent: name().optional(),
      kind: name().optional().describe('Only events of one kind, as `agent.paused`.'),
      since: instant().optional().describe('Only events of then or later.'),
      cause: z
        .string()
        .regex(/^([1-9]\d{0,14}|inc-\w{1,20})$/, 'the id of an event, as 812, or of an incident, as inc-41')
        .optional()
        .describe(
          'The line of causes of an event or an incident, from the first cause that is kept, and what came of it.',
        ),
      limit: limit(),
    }),
    options: {
      kind: '--topic <topic>',
      since: '--since <time>',
      cause: '--cause <event or incident>',
      limit: '--limit <n>',
    },
    result: async () => z.array((await hostResults()).eventResult),
  },
  configShow: {
    kind: 'read',
    role: 'operator',
    about: 'Each setting of an agent with the place where it is said, or of the host with what becomes of its file.',
    args: z.strictObject({ agent: name().optional().describe('Left out: the host.') }),
    result: async () => (await statusResults()).configShowResult,
  },
  configRollback: {
    kind: 'act',
    role: 'operator',
    about: 'Goes back to the settings of the host that last worked, until config/daruma.yaml is changed.',
    args: NO_ARGUMENTS,
    result: async () => (await statusResults()).configChangedResult,
  },
  configForce: {
    kind: 'act',
    role: 'operator',
    about: 'Takes config/daruma.yaml as good, whatever was seen of its settings.',
    args: NO_ARGUMENTS,
    result: async () => (await statusResults()).configChangedResult,
  },
  storeMend: {
    kind: 'act',
    role: 'operator',
    about: 'Sets aside every row of the store that cannot be read.',
    args: NO_ARGUMENTS,
    result: async () => (await hostResults()).mendedResult,
  },
  workers: {
    kind: 'read',
    role: 'reader',
    about: 'The workers that are there now, with their jobs and their memory.',
    args: z.strictObject({ agent: name().optional() }),
    result: async () => z.array((await hostResults()).workerResult),
  },
  drillModels: {
    kind: 'act',
    role: 'operator',
    about: 'Proves each rung of the chain of models by three small real calls, which cost what such calls cost.',
    args: NO_ARGUMENTS,
    result: async () => z.array((await commandResults()).drillResult),
  },
  drillDone: {
    kind: 'act',
    role: 'operator',
    about: 'Keeps what a drill has measured, for the report.',
    args: z.strictObject({
      kind: z
        .enum(['diagnosis', 'faults'])
        .default('diagnosis')
        .describe('faults: those that Daruma heals, all of them.'),
      tookMs: z.number().min(0).optional(),
      rows: z
        .array(z.strictObject({ name: text(100), ok: z.boolean(), seen: text(2_000).nullable() }))
        .min(1)
        .max(50),
    }),
    result: async () => z.null(),
  },
  guests: {
    kind: 'stream',
    role: 'operator',
    about:
      'Runs agents of other files beside those of the installation, unscheduled and unlisted, until the client leaves.',
    args: z.strictObject({ files: z.array(guestFile()).min(1).max(100) }),
    item: async () => (await hostResults()).guestsItem,
    result: async () => z.null(),
  },
  open: {
    kind: 'act',
    role: 'operator',
    about: 'Makes a link that signs one browser in to the page, once, within five minutes.',
    args: z.strictObject({ reader: flag().describe('As a reader, who sees and changes nothing.') }),
    options: { reader: '--reader' },
    result: async () => (await webResults()).openResult,
  },
  changed: {
    kind: 'stream',
    role: 'reader',
    about: 'Says that something has changed, about once a second at most.',
    args: NO_ARGUMENTS,
    item: async () => (await webResults()).changedItem,
    result: async () => z.null(),
  },
  audit: {
    kind: 'read',
    role: 'operator',
    about:
      'What was done by page, command line and assistants: who, when, which operation, and what came of it; newest first.',
    args: z.strictObject({ since: instant().optional().describe('Only acts of then or later.'), limit: limit() }),
    result: async () => z.array((await webResults()).auditResult),
  },
  stop: {
    kind: 'act',
    role: 'operator',
    about: 'Ends the host; the answer comes before it begins, and the host is gone when its process is.',
    args: NO_ARGUMENTS,
    result: async () => (await hostResults()).stoppingResult,
  },
} as const satisfies Record<string, Operation>;

/** The name of a program outside of Daruma: it stands in an address, a label and a command. */
function pingName() {
  const error = 'is no name of letters, digits, dots, hyphens and underscores, 64 at most';
  return z.string({ error }).regex(PING_NAME, { error });
}

/** The level of a line of the log. */
function logLevel() {
  return z.enum(LOG_LEVELS as readonly ['debug', 'info', 'warn', 'error'], {
    error: `is no level: ${LOG_LEVELS.join(', ')}`,
  });
}

/** A file of a plugin or an agent, in a folder that the host makes for it. */
function guestFile() {
  const error = 'is no path in plugins/ or agents/';
  const path = z
    .string({ error })
    .max(200, { error })
    .regex(/^(?:plugins|agents)(?:\/[\w-][\w.-]*)+$/, { error });
  return z.strictObject({ path, text: text(BOUNDS.payload.most) });
}
