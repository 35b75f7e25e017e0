import * as z from 'zod';
import { BOUNDS } from '../kernel/bounds.ts';
import { DAY_MS } from '../kernel/measures.ts';
import { countArgument, flag, instant, limit, name, payload, text } from './arguments.ts';
import { NO_ARGUMENTS, type Operation } from './operation.ts';

const hostResults = () => import('./results/host.ts');
const agentResults = () => import('./results/agent.ts');
const versionResults = () => import('./results/version.ts');
const statusResults = () => import('./results/status.ts');

/** Operations on agents, the plugins and versions that they are made of, and what happened to them. */
export const AGENT_OPERATIONS = {
  status: {
    kind: 'read',
    role: 'reader',
    about: 'The host, its agents, and what is wrong.',
    args: z.strictObject({ agent: name().optional() }),
    result: async () => (await statusResults()).statusResult,
  },
  incidents: {
    kind: 'read',
    role: 'reader',
    about: 'Incidents, newest first.',
    args: z.strictObject({
      agent: name().optional().describe('Only incidents of one agent.'),
      open: flag().describe('Only incidents that have not ended.'),
      since: instant().optional().describe('Only incidents that have not ended, or ended then or later.'),
      limit: limit(),
      drills: flag().describe('Also incidents of drills. Left out unless `agent` names an agent of a drill.'),
    }),
    options: {
      agent: '--agent <agent>',
      open: '--open',
      since: '--since <time>',
      limit: '--limit <n>',
      drills: '--drills',
    },
    result: async () => z.array((await agentResults()).incidentResult),
  },
  incident: {
    kind: 'read',
    role: 'reader',
    about: 'One incident in full.',
    args: z.strictObject({ id: name() }),
    result: async () => (await agentResults()).incidentResult,
  },
  incidentEvidence: {
    kind: 'read',
    role: 'operator',
    about: 'The evidence of an incident as a model would be given it: what was seen, log lines, remedies, sources.',
    args: z.strictObject({ id: name() }),
    result: async () => (await agentResults()).evidenceResult,
  },
  ack: {
    kind: 'act',
    role: 'operator',
    about: 'Closes an incident by hand; an incident that has ended only gets the note.',
    args: z.strictObject({ id: name(), note: text(10_000).optional() }),
    result: async () => (await agentResults()).incidentResult,
  },
  mute: {
    kind: 'act',
    role: 'operator',
    about:
      'Mutes the cause of an incident: incidents of that cause open and are healed as before, and need nobody until then.',
    args: z.strictObject({
      id: name(),
      forMs: countArgument(BOUNDS.mute).default(DAY_MS).describe('How long (default: 24h).'),
    }),
    options: { forMs: '--for <time>' },
    result: async () => (await agentResults()).incidentResult,
  },
  unmute: {
    kind: 'act',
    role: 'operator',
    about: 'Ends the mute of the cause of an incident.',
    args: z.strictObject({ id: name() }),
    result: async () => (await agentResults()).incidentResult,
  },
  pause: {
    kind: 'act',
    role: 'operator',
    about: 'Starts no more jobs of an agent: jobs wait, and slots of that time end as skipped.',
    args: z.strictObject({
      agent: name(),
      forMs: countArgument(BOUNDS.pause).optional().describe('How long (default: until resumed).'),
    }),
    options: { forMs: '--for <time>' },
    result: async () => (await hostResults()).pausedResult,
  },
  resume: {
    kind: 'act',
    role: 'operator',
    about: 'Starts the jobs of an agent again, and ends its quarantine.',
    args: z.strictObject({ agent: name() }),
    result: async () => (await hostResults()).resumedResult,
  },
  pauseAll: {
    kind: 'act',
    role: 'operator',
    about: 'Pauses every agent, as `pause` does with one.',
    args: z.strictObject({
      forMs: countArgument(BOUNDS.pause).optional().describe('How long (default: until resumed).'),
    }),
    result: async () => z.array((await hostResults()).pausedResult),
  },
  resumeAll: {
    kind: 'act',
    role: 'operator',
    about: 'Resumes every agent, as `resume` does with one.',
    args: NO_ARGUMENTS,
    result: async () => z.array((await hostResults()).resumedResult),
  },
  restart: {
    kind: 'act',
    role: 'operator',
    about:
      'Gives an agent new workers: each goes when it has done its job; with `now`, the job is stopped and run again.',
    args: z.strictObject({
      agent: name(),
      now: flag().describe('Stops jobs that run; each is run again, and loses no attempt.'),
    }),
    options: { now: '--now' },
    result: async () => (await hostResults()).restartedResult,
  },
  stateSizes: {
    kind: 'read',
    role: 'reader',
    about: 'Agents that hold state, and how much; agents that are gone, too.',
    args: NO_ARGUMENTS,
    result: async () => z.array((await agentResults()).stateSizeResult),
  },
  state: {
    kind: 'read',
    role: 'operator',
    about: 'What an agent keeps in context.state.',
    args: z.strictObject({ agent: name(), key: name().optional().describe('Left out: every key.') }),
    result: async () => z.array((await agentResults()).stateEntryResult),
  },
  stateSet: {
    kind: 'act',
    role: 'operator',
    about: 'Sets or deletes a key of the state of an agent.',
    args: z.strictObject({
      agent: name(),
      key: name(),
      value: payload().describe('The new value of the key. Left out: the key is deleted.'),
    }),
    options: { value: '--set <json>' },
    result: async () => (await agentResults()).stateSetResult,
  },
  stateMove: {
    kind: 'act',
    role: 'operator',
    about:
      'Gives the state of an agent, which may be gone, to another agent; keys that it has already stay as they are.',
    args: z.strictObject({ from: name(), to: name().describe('The agent that gets all of it.') }),
    options: { to: '--move-to <agent>' },
    result: async () => (await agentResults()).stateMovedResult,
  },
  versions: {
    kind: 'read',
    role: 'reader',
    about: 'The kept versions of a plugin, and what they are to its agents.',
    args: z.strictObject({ plugin: name().describe('The name of a plugin, or of an agent that is made of it.') }),
    result: async () => (await versionResults()).versionsResult,
  },
  sources: {
    kind: 'read',
    role: 'operator',
    about: 'The files of the author of which a version is made.',
    args: z.strictObject({ plugin: name(), version: name().describe('Its first digits are enough.') }),
    result: async () => (await versionResults()).sourcesResult,
  },
  rollback: {
    kind: 'act',
    role: 'operator',
    about: 'Puts an agent on the good version before, or on a version that is named.',
    args: z.strictObject({
      agent: name(),
      version: name().optional(),
      force: flag().describe('Also to a version that is known to be bad.'),
      latest: flag().describe('Follows its files again.'),
    }),
    options: { force: '--force', latest: '--latest' },
    result: async () => (await versionResults()).rolledBackResult,
  },
  rehearse: {
    kind: 'act',
    role: 'operator',
    about:
      'Runs the newest source of an agent, or of all agents of a plugin, on the inputs of its last jobs, with no effect.',
    args: z.strictObject({
      name: name(),
      last: countArgument(BOUNDS.rehearsed).default(20).describe('The inputs of so many jobs.'),
      file: text(4_096).optional().describe('This source instead: plugins/_draft.ts.'),
      against: name().optional().describe('A version that is run beside, instead of the record.'),
      live: flag().describe('Does requests that only read: GET and HEAD.'),
    }),
    options: { last: '--last <n>', file: '--file <file>', against: '--against <version>', live: '--live' },
    item: async () => (await versionResults()).rehearsedItem,
    result: async () => (await versionResults()).rehearsalResult,
  },
  dryRun: {
    kind: 'act',
    role: 'operator',
    about: 'Shows what a job of an agent would do: one attempt of which nothing gets out; agents that are off, too.',
    args: z.strictObject({
      agent: name(),
      input: payload().describe('What the run is given.'),
      live: flag().describe('Does requests that only read: GET and HEAD.'),
    }),
    result: async () => (await versionResults()).dryRunResult,
  },
  learn: {
    kind: 'act',
    role: 'operator',
    about: 'Runs an agent with its network open, and answers with the smallest needs for what it used.',
    args: z.strictObject({
      agent: name(),
      input: payload().describe('What the run is given (default: the input of its last job).'),
    }),
    options: { input: '--input <json>' },
    result: async () => (await versionResults()).learnedResult,
  },
  secrets: {
    kind: 'read',
    role: 'operator',
    about: 'Names and places of the secrets that agents declare, looked at now; no values.',
    args: NO_ARGUMENTS,
    result: async () => (await agentResults()).secretsResult,
  },
  check: {
    kind: 'read',
    role: 'reader',
    about: 'Looks at every plugin and agent file.',
    args: NO_ARGUMENTS,
    result: async () => (await hostResults()).checkResult,
  },
  changes: {
    kind: 'stream',
    role: 'reader',
    about: 'What comes of each file in plugins/ and agents/ that changes.',
    args: NO_ARGUMENTS,
    item: async () => (await versionResults()).changeResult,
    result: async () => z.null(),
  },
  report: {
    kind: 'read',
    role: 'reader',
    about: 'What agents did in a period beside the one before, what was healed in it, and what needs somebody now.',
    args: z.strictObject({
      from: instant().optional().describe('The begin of the period. Default: a day before its end.'),
      to: instant().optional().describe('The first moment after the period. Default: now.'),
    }),
    result: async () => (await import('./results/report.ts')).reportResult,
  },
  bills: {
    kind: 'read',
    role: 'reader',
    about: 'What agents cost today and this month: models, memory, processor, disk.',
    args: z.strictObject({
      agent: name().optional(),
      days: flag().describe('With the days of this month.'),
    }),
    options: { days: '--days' },
    result: async () => (await import('./results/bill.ts')).billsResult,
  },
  warnings: {
    kind: 'read',
    role: 'reader',
    about: 'What rises or leaks, of agents and of the host, hours before it reaches its limit.',
    args: NO_ARGUMENTS,
    result: async () => z.array((await import('./results/trends.ts')).warningResult),
  },
  trends: {
    kind: 'read',
    role: 'reader',
    about: 'What agents did in a window: shares, durations, lateness and memory, a minute old at most.',
    args: z.strictObject({
      window: z
        .enum(['1h', '24h', '7d', '30d', '90d'])
        .default('24h')
        .describe('Whole minutes (1h, kept for two days), hours (24h, 7d) or days, UTC.'),
      until: instant().optional().describe('The end of the window (default: now).'),
      agent: name().optional(),
      points: flag().describe('With the minutes, hours or days of which the window is made.'),
    }),
    result: async () => (await import('./results/trends.ts')).trendsResult,
  },
  hostLoad: {
    kind: 'read',
    role: 'reader',
    about: 'Workers of the host and jobs that waited, over a window; measured each minute.',
    args: z.strictObject({ window: z.enum(['24h', '7d', '30d', '90d']).default('24h') }),
    result: async () => (await import('./results/trends.ts')).hostLoadResult,
  },
} as const satisfies Record<string, Operation>;
