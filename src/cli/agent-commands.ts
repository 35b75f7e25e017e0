import { ALERT_COMMANDS } from './alert-commands.ts';
import { OPERATION_OPTIONS } from './operation-options.ts';
import type { CommandOption, CommandRow, OptionRow } from './ports.ts';

/** Rows of a list that fit on a screen. */
const SCREENFUL = { limit: '20' };
const YES = { flags: '--yes', about: 'do it' };
const ALL_AGENTS = { flags: '--all', about: 'every agent' };

/** Commands that show how agents and jobs are doing. */
export const OBSERVE: readonly CommandRow[] = [
  {
    usage: 'status [agent]',
    about: 'one line for each agent, or one agent in full',
    run: async () => (await import('./commands/status.ts')).statusCommand,
  },
  {
    usage: 'top',
    about: 'the agents, live, with keys to act on them (? shows all keys)',
    run: async () => (await import('./commands/top.ts')).topCommand,
  },
  {
    usage: 'open',
    about: 'a link to the page, which signs one browser in',
    options: optionsOf('open'),
    run: async () => (await import('./commands/open.ts')).openCommand,
  },
  {
    usage: 'incidents [id|agent]',
    about: 'what went wrong, what was done, what is left',
    options: optionsOf('incidents', SCREENFUL),
    own: [{ flags: '--markdown', about: 'one incident as Markdown, to be copied into a post-mortem' }],
    run: async () => (await import('./commands/incidents.ts')).incidentsCommand,
  },
  {
    usage: 'agents [agent]',
    about: 'what each agent is for, or what one of them takes',
    run: async () => (await import('./commands/agents.ts')).agentsCommand,
  },
  {
    usage: 'jobs [agent|job]',
    about: 'past and present jobs, or one job in full',
    options: optionsOf('jobs', SCREENFUL),
    run: async () => (await import('./commands/jobs.ts')).jobsCommand,
  },
  {
    usage: 'deliveries [agent]',
    about: 'what other programs delivered, and what came of it',
    options: optionsOf('deliveries', SCREENFUL),
    own: [{ flags: '--again <id>', about: 'give the agent that delivery once more: of a job, or a refused one' }],
    run: async () => (await import('./commands/deliveries.ts')).deliveriesCommand,
  },
  {
    usage: 'logs [agent]',
    about: 'the log, also while the host is down',
    options: optionsOf('follow', { level: 'debug' }),
    own: [
      { flags: '-f, --follow', about: 'go on with each new line, over restarts of the host' },
      { flags: '--agent <name>', about: 'only lines of that agent' },
      { flags: '--debug', about: 'have the agent log at debug level first, for as long as --for says' },
      { flags: '--for <time>', about: 'with --debug: how long (default: 1h)' },
      { flags: '--grep <pattern>', about: 'only lines that match the regular expression' },
      { flags: '--since <time>', about: 'only lines from then on: 10m, 02:00, "Sat 02:00", 2026-11-21' },
      { flags: '-n, --lines <n>', about: 'the newest so many (default: 100; 20 with --follow; 10000 with --since)' },
    ],
    run: async () => (await import('./commands/logs.ts')).logsCommand,
  },
  {
    usage: 'events [agent]',
    about: 'what happened: changes, pauses, incidents, and who asked for them',
    options: optionsOf('events', SCREENFUL),
    own: [{ flags: '-f, --follow', about: 'go on with each new event, over restarts of the host' }],
    run: async () => (await import('./commands/events.ts')).eventsCommand,
  },
  {
    usage: 'metrics [agent]',
    about: 'what was measured of an agent, or of the host: now, usually, and its course',
    options: optionsOf('series'),
    run: async () => (await import('./commands/metrics.ts')).metricsCommand,
  },
  {
    usage: 'why <agent>',
    about: 'why it did, or did not, run at a time',
    options: optionsOf('why'),
    run: async () => (await import('./commands/why.ts')).whyCommand,
  },
  {
    usage: 'next <agent>',
    about: 'when its schedule will ask for jobs',
    options: optionsOf('next'),
    run: async () => (await import('./commands/why.ts')).nextCommand,
  },
  {
    usage: 'report [period]',
    about: 'what ran, healed and needs you: the last 24 hours, daily, weekly',
    own: [
      { flags: '--since <time>', about: 'from then until now (default: the last 24 hours): 7d, 02:00, 2026-11-21' },
      { flags: '--html', about: 'as one HTML file' },
      { flags: '--markdown', about: 'as Markdown' },
      { flags: '--out <file>', about: 'into a file; .html, .md or .json says its form (default: the terminal)' },
    ],
    run: async () => (await import('./commands/report.ts')).reportCommand,
  },
  {
    usage: 'state [agent] [key]',
    about: 'what agents keep in context.state; change it by hand',
    options: [...optionsOf('stateSet'), ...optionsOf('stateMove')],
    own: [
      { flags: '--delete', about: 'forget the key, or with --all every key' },
      { flags: '--all', about: 'every key' },
      YES,
    ],
    run: async () => (await import('./commands/state.ts')).stateCommand,
  },
  {
    usage: 'secrets',
    about: 'which secrets agents need, and where they were found',
    run: async () => (await import('./commands/secrets.ts')).secretsCommand,
  },
  {
    usage: 'models',
    about: 'the models that agents ask: which rung is ready, and if not, why',
    run: async () => (await import('./commands/models.ts')).modelsCommand,
  },
];

const DLQ: readonly CommandRow[] = [
  { usage: 'list', about: 'the groups', run: async () => (await import('./commands/dlq.ts')).dlqCommand },
  {
    usage: 'show <cause>',
    about: 'the jobs of one cause',
    run: async () => (await import('./commands/dlq.ts')).dlqShowCommand,
  },
  {
    usage: 'drop [job]',
    about: 'give up a job, or all of a cause, an agent, a time or a text, for good',
    options: optionsOf('drop'),
    own: [YES],
    run: async () => (await import('./commands/many.ts')).dropCommand,
  },
];

const BATCH: readonly CommandRow[] = [
  {
    usage: 'list',
    about: 'the newest batches',
    options: optionsOf('batches', SCREENFUL),
    run: async () => (await import('./commands/batch.ts')).batchListCommand,
  },
  {
    usage: 'show <batch>',
    about: 'how far it has come, and what came of each job',
    options: optionsOf('batchItems'),
    run: async () => (await import('./commands/batch.ts')).batchShowCommand,
  },
  {
    usage: 'cancel <batch>',
    about: 'end it where it is',
    run: async () => (await import('./commands/batch.ts')).batchCancelCommand,
  },
];

/** Commands that change what agents and jobs do. */
export const ACT: readonly CommandRow[] = [
  {
    usage: 'run <agent>',
    about: 'put one job in the queue now; it does not move the schedule',
    options: optionsOf('run'),
    own: [
      { flags: '--wait', about: 'show its log, wait for its end; exit code 1 when it failed' },
      {
        flags: '--within <time>',
        about: 'with --wait: how long, then exit code 1; the job goes on (default: no bound)',
      },
      { flags: '--dry-run', about: 'show what it would do or send; nothing gets out, and no job is kept' },
      { flags: '--live', about: 'with --dry-run: does requests that only read, GET and HEAD' },
      {
        flags: '--with <key=value>',
        about: 'one field of the input, as often as wanted; the value is JSON or else text',
        repeats: true,
      },
    ],
    run: async () => (await import('./commands/run.ts')).runCommand,
  },
  {
    usage: 'cancel [job]',
    about: 'end a job for good, or all that an agent has waiting',
    options: optionsOf('cancelMany'),
    own: [YES],
    run: async () => (await import('./commands/many.ts')).cancelCommand,
  },
  {
    usage: 'pause [agent]',
    about: 'start no more jobs of an agent; slots of that time are skipped',
    options: optionsOf('pause'),
    own: [ALL_AGENTS],
    run: async () => (await import('./commands/pause.ts')).pauseCommand,
  },
  {
    usage: 'resume [agent]',
    about: 'start its jobs again',
    own: [ALL_AGENTS],
    run: async () => (await import('./commands/pause.ts')).resumeCommand,
  },
  {
    usage: 'restart <agent>',
    about: 'new workers; the job that runs is finished first',
    options: optionsOf('restart'),
    run: async () => (await import('./commands/pause.ts')).restartCommand,
  },
  {
    usage: 'ack <incident> [note...]',
    about: 'close an incident by hand, with a note',
    run: async () => (await import('./commands/incidents.ts')).ackCommand,
  },
  {
    usage: 'mute <incident>',
    about: 'let the cause of an incident need nobody for a time (default: 24h); healing goes on',
    options: optionsOf('mute'),
    run: async () => (await import('./commands/incidents.ts')).muteCommand,
  },
  {
    usage: 'unmute <incident>',
    about: 'end the mute of the cause of an incident',
    run: async () => (await import('./commands/incidents.ts')).unmuteCommand,
  },
  ...ALERT_COMMANDS,
  {
    usage: 'versions <plugin>',
    about: 'the kept versions of a plugin, and what they are to its agents',
    run: async () => (await import('./commands/versions.ts')).versionsCommand,
  },
  {
    usage: 'diff <plugin> [a] [b]',
    about: 'what two versions differ in (default: the newest two)',
    isVerbatim: true,
    run: async () => (await import('./commands/diff.ts')).diffCommand,
  },
  {
    usage: 'rollback <agent> [version]',
    about: 'back to the good version before, or to any other',
    options: optionsOf('rollback'),
    run: async () => (await import('./commands/versions.ts')).rollbackCommand,
  },
  {
    usage: 'rehearse <agent>',
    about: 'run the newest source on past inputs, with no effect, beside what was',
    options: optionsOf('rehearse'),
    run: async () => (await import('./commands/rehearse.ts')).rehearseCommand,
  },
  {
    usage: 'learn <agent>',
    about: 'run it with its network open, and propose the smallest needs for what it used',
    options: optionsOf('learn'),
    own: [YES],
    run: async () => (await import('./commands/learn.ts')).learnCommand,
  },
  {
    usage: 'level <agent> <level>',
    about: 'what an agent may log: debug, info, warn, error',
    options: optionsOf('level'),
    run: async () => (await import('./commands/pause.ts')).levelCommand,
  },
  {
    usage: 'dlq',
    about: 'jobs that gave up, grouped by cause',
    run: async () => (await import('./commands/dlq.ts')).dlqCommand,
    below: DLQ,
  },
  {
    usage: 'replay [job]',
    about: 'run a dead job again, or all of a cause, an agent, a time or a text',
    options: optionsOf('replay'),
    own: [YES],
    run: async () => (await import('./commands/many.ts')).replayCommand,
  },
  { usage: 'batch', about: 'acts on many jobs that go on in the background', below: BATCH },
];

/** The arguments of an operation as options of a command. `defaults`: by argument, where the command line has another. */
function optionsOf(
  op: keyof typeof OPERATION_OPTIONS,
  defaults: Readonly<Record<string, string>> = {},
): CommandOption[] {
  return Object.entries<OptionRow>(OPERATION_OPTIONS[op]).map(([name, row]) =>
    name in defaults ? { ...row, default: defaults[name]! } : row,
  );
}
