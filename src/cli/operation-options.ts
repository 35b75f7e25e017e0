/** Printed from the table of operations by `npm run operations`; do not edit. */
import type { OptionRow } from './ports.ts';

/** Arguments of operations that are options of commands: the command line has them without loading the table itself, and zod with it. */
export const OPERATION_OPTIONS = {
  incidents: {
    agent: { flags: '--agent <agent>', about: 'only incidents of one agent', is: 'text' },
    open: { flags: '--open', about: 'only incidents that have not ended', is: 'flag' },
    since: {
      flags: '--since <time>',
      about: 'only incidents that have not ended, or ended then or later: 24h, 02:00, "Sat 02:00", 2026-11-21',
      is: 'time',
    },
    limit: {
      flags: '--limit <n>',
      about: 'at most so many, 1 to 1000',
      is: 'count',
      least: 1,
      most: 1000,
      default: 50,
    },
    drills: { flags: '--drills', about: 'also incidents of drills', is: 'flag' },
  },
  mute: {
    forMs: {
      flags: '--for <time>',
      about: 'how long (default: 24h): 30m, 2h',
      is: 'length',
      least: 1,
      most: 7776000000,
    },
  },
  pause: {
    forMs: {
      flags: '--for <time>',
      about: 'how long (default: until resumed): 30m, 2h',
      is: 'length',
      least: 1,
      most: 316224000000,
    },
  },
  restart: {
    now: { flags: '--now', about: 'stops jobs that run; each is run again, and loses no attempt', is: 'flag' },
  },
  stateSet: {
    value: {
      flags: '--set <json>',
      about: 'the new value of the key, as JSON; @file reads a file, - reads stdin',
      is: 'json',
    },
  },
  stateMove: {
    to: { flags: '--move-to <agent>', about: 'the agent that gets all of it', is: 'text' },
  },
  rollback: {
    force: { flags: '--force', about: 'also to a version that is known to be bad', is: 'flag' },
    latest: { flags: '--latest', about: 'follows its files again', is: 'flag' },
  },
  rehearse: {
    last: {
      flags: '--last <n>',
      about: 'the inputs of so many jobs, 1 to 1000',
      is: 'count',
      least: 1,
      most: 1000,
      default: 20,
    },
    file: { flags: '--file <file>', about: 'this source instead: plugins/_draft.ts', is: 'text' },
    against: { flags: '--against <version>', about: 'a version that is run beside, instead of the record', is: 'text' },
    live: { flags: '--live', about: 'does requests that only read: GET and HEAD', is: 'flag' },
  },
  learn: {
    input: {
      flags: '--input <json>',
      about: 'what the run is given (default: the input of its last job), as JSON; @file reads a file, - reads stdin',
      is: 'json',
    },
  },
  bills: {
    days: { flags: '--days', about: 'with the days of this month', is: 'flag' },
  },
  jobs: {
    states: {
      flags: '--state <state>',
      about: 'only jobs in these states: queued, running, retrying, done, dead, cancelled, all (comma between)',
      is: 'words',
      words: ['queued', 'running', 'retrying', 'done', 'dead', 'cancelled'],
    },
    since: {
      flags: '--since <time>',
      about: 'only jobs that were queued then or later: 24h, 02:00, "Sat 02:00", 2026-11-21',
      is: 'time',
    },
    cause: { flags: '--cause <cause>', about: 'only failures of one cause', is: 'text' },
    text: {
      flags: '--grep <text>',
      about: 'only jobs with the text in their input or error, among the newest 20,000',
      is: 'text',
    },
    limit: {
      flags: '--limit <n>',
      about: 'at most so many, 1 to 1000',
      is: 'count',
      least: 1,
      most: 1000,
      default: 50,
    },
    drills: { flags: '--drills', about: 'also jobs of drills', is: 'flag' },
  },
  run: {
    input: {
      flags: '--input <json>',
      about: 'what the job is given (default: null), as JSON; @file reads a file, - reads stdin',
      is: 'json',
    },
    key: { flags: '--key <key>', about: 'a second job of the agent with the same key is the first job', is: 'text' },
    debug: { flags: '--debug', about: 'the agent logs at debug level until the job has ended', is: 'flag' },
  },
  deliveries: {
    limit: {
      flags: '--limit <n>',
      about: 'at most so many, 1 to 1000',
      is: 'count',
      least: 1,
      most: 1000,
      default: 50,
    },
  },
  cancelMany: {
    agent: { flags: '--agent <agent>', about: 'only jobs of one agent', is: 'text' },
    cause: { flags: '--cause <cause>', about: 'only jobs of one cause', is: 'text' },
    since: {
      flags: '--since <time>',
      about: 'only jobs that were queued then or later: 24h, 02:00, "Sat 02:00", 2026-11-21',
      is: 'time',
    },
    text: {
      flags: '--grep <text>',
      about: 'only jobs with the text in their input or error, among the newest 20,000',
      is: 'text',
    },
    dryRun: { flags: '--dry-run', about: 'only says what would be done', is: 'flag' },
    states: {
      flags: '--state <state>',
      about: 'only jobs in these states (default: all of them): queued, retrying, running, all (comma between)',
      is: 'words',
      words: ['queued', 'retrying', 'running'],
    },
  },
  why: {
    at: {
      flags: '--at <time>',
      about: 'the planned time (default: its newest slot): 24h, 02:00, "Sat 02:00", 2026-11-21',
      is: 'time',
    },
  },
  next: {
    n: { flags: '-n, --times <n>', about: 'so many times, 1 to 100', is: 'count', least: 1, most: 100, default: 5 },
  },
  replay: {
    agent: { flags: '--agent <agent>', about: 'only jobs of one agent', is: 'text' },
    cause: { flags: '--cause <cause>', about: 'only jobs of one cause', is: 'text' },
    since: {
      flags: '--since <time>',
      about: 'only jobs that were queued then or later: 24h, 02:00, "Sat 02:00", 2026-11-21',
      is: 'time',
    },
    text: {
      flags: '--grep <text>',
      about: 'only jobs with the text in their input or error, among the newest 20,000',
      is: 'text',
    },
    dryRun: { flags: '--dry-run', about: 'only says what would be done', is: 'flag' },
    states: {
      flags: '--state <state>',
      about: 'only jobs in these states (default: dead): dead, cancelled, all (comma between)',
      is: 'words',
      words: ['dead', 'cancelled'],
    },
    stale: {
      flags: '--stale',
      about: 'also jobs that are of no use any more (limits.staleAfter); else these are dropped',
      is: 'flag',
    },
    debug: {
      flags: '--debug',
      about: 'one job alone: its agent logs at debug level until the job has ended',
      is: 'flag',
    },
  },
  drop: {
    agent: { flags: '--agent <agent>', about: 'only jobs of one agent', is: 'text' },
    cause: { flags: '--cause <cause>', about: 'only jobs of one cause', is: 'text' },
    since: {
      flags: '--since <time>',
      about: 'only jobs that were queued then or later: 24h, 02:00, "Sat 02:00", 2026-11-21',
      is: 'time',
    },
    text: {
      flags: '--grep <text>',
      about: 'only jobs with the text in their input or error, among the newest 20,000',
      is: 'text',
    },
    dryRun: { flags: '--dry-run', about: 'only says what would be done', is: 'flag' },
    reason: { flags: '--reason <text>', about: 'why: each of the jobs keeps it', is: 'text' },
  },
  batches: {
    limit: {
      flags: '--limit <n>',
      about: 'at most so many, 1 to 1000',
      is: 'count',
      least: 1,
      most: 1000,
      default: 50,
    },
  },
  batchItems: {
    result: {
      flags: '--result <result>',
      about: 'only jobs with this result: done, stale, gone, failed',
      is: 'word',
      words: ['done', 'stale', 'gone', 'failed'],
    },
    after: { flags: '--after <job>', about: 'only jobs after this one: the way to the next page', is: 'text' },
    limit: {
      flags: '--limit <n>',
      about: 'at most so many, 1 to 1000',
      is: 'count',
      least: 1,
      most: 1000,
      default: 50,
    },
  },
  maintenanceStart: {
    forMs: { flags: '--for <time>', about: 'how long: 30m, 2h', is: 'length', least: 1, most: 316224000000 },
    note: { flags: '--note <text>', about: 'why', is: 'text' },
  },
  level: {
    forMs: {
      flags: '--for <time>',
      about: 'how long (default: until the host ends): 30m, 2h',
      is: 'length',
      least: 1,
      most: 2073600000,
    },
  },
  follow: {
    job: { flags: '--job <id>', about: 'only lines of one job', is: 'text' },
    level: {
      flags: '--level <level>',
      about: 'the lowest level that is sent: debug, info, warn, error',
      is: 'word',
      words: ['debug', 'info', 'warn', 'error'],
    },
  },
  series: {
    since: {
      flags: '--since <time>',
      about: 'from then on (default: a day ago): 24h, 02:00, "Sat 02:00", 2026-11-21',
      is: 'time',
    },
    name: { flags: '--name <series>', about: 'only series of that name', is: 'text' },
  },
  events: {
    kind: { flags: '--topic <topic>', about: 'only events of one kind, as `agent.paused`', is: 'text' },
    since: {
      flags: '--since <time>',
      about: 'only events of then or later: 24h, 02:00, "Sat 02:00", 2026-11-21',
      is: 'time',
    },
    cause: {
      flags: '--cause <event or incident>',
      about: 'the line of causes of an event or an incident, from the first cause that is kept, and what came of it',
      is: 'text',
    },
    limit: {
      flags: '--limit <n>',
      about: 'at most so many, 1 to 1000',
      is: 'count',
      least: 1,
      most: 1000,
      default: 50,
    },
  },
  open: {
    reader: { flags: '--reader', about: 'as a reader, who sees and changes nothing', is: 'flag' },
  },
  assistantAllow: {
    write: { flags: '--write', about: 'also acts, each planned before it is applied', is: 'flag' },
    forMs: {
      flags: '--for <time>',
      about: 'how long the token is good (default: 90d): 30m, 2h',
      is: 'length',
      least: 60000,
      most: 31622400000,
    },
  },
} as const satisfies Record<string, Record<string, OptionRow>>;
