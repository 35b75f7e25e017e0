import * as z from 'zod';
import { PRESSED_RESOURCES, PRESSURE_STEPS } from '../../kernel/pressure-steps.ts';
import { agentWorkers, roomResult } from './agent-workers.ts';
import { openAlertsResult } from './alerts.ts';
import { billResult } from './bill.ts';
import { bytes, countResult, faultResult, json, ms, time } from './fields.ts';
import { jobResult } from './job.ts';
import { chainResult } from './models.ts';
import { warningResult } from './trends.ts';

const refusal = () =>
  z
    .enum(['kernel', 'node', 'granted', 'open'])
    .describe(
      'The one that refused the try: the kernel, or nobody but the flags of Node; granted: it may; open: nobody.',
    );

export const fenceResult = z
  .strictObject({
    fence: z
      .enum(['full', 'partial', 'node', 'none'])
      .describe(
        'full: every layer of the kernel · partial: some · node: the flags of Node alone · none: a layer does not hold.',
      ),
    landlock: countResult().describe('The version of Landlock in force; 0: none.'),
    seccomp: z.boolean().describe('Whether the filter of system calls is in force.'),
    caps: z.string().describe('Capabilities left, in hexadecimal digits; 0: none.'),
    tried: z.strictObject({
      files: refusal(),
      network: refusal(),
      unixSockets: refusal(),
      signals: refusal(),
      commands: refusal(),
    }),
    missing: z.array(z.string()).describe('What is missing, and what that means.'),
    tookMs: ms(),
  })
  .meta({ id: 'Fence', description: 'What a process found when it had shut itself in.' });

export type FenceView = z.infer<typeof fenceResult>;

export const commandFenceResult = z
  .strictObject({
    fence: z
      .enum(['bwrap', 'kernel', 'none'])
      .describe(
        'bwrap: namespaces of its own, by bubblewrap · kernel: the kernel’s fences around its process · none: it does what the host’s user may.',
      ),
    missing: z.array(z.string()).describe('What the fence lacks, and why.'),
  })
  .meta({ id: 'CommandFence', description: 'The fence around the commands of agents.' });

export type CommandFenceView = z.infer<typeof commandFenceResult>;

export const changedSettingsResult = z
  .array(z.strictObject({ path: z.string(), before: z.string(), after: z.string() }))
  .describe('What the file says differently from the settings that last worked, as text; secrets are hidden.');

export const configResult = z
  .strictObject({
    is: z
      .enum(['on-probation', 'taken-back'])
      .describe('on-probation: the settings are tried · taken-back: those that last worked are in force instead.'),
    until: time().nullable().describe('When the settings count as good at the latest; null when they are taken back.'),
    why: z.string().nullable().describe('Why the settings are taken back.'),
    changed: changedSettingsResult,
  })
  .meta({ id: 'Config', description: 'What becomes of a changed config/daruma.yaml.' });

export const configShowResult = z
  .strictObject({
    values: z.array(z.strictObject({ path: z.string(), value: json(), origin: z.string() })),
    config: configResult.nullable().optional(),
  })
  .meta({ id: 'ConfigShow', description: 'Each setting with the place where it is said.' });

export const configChangedResult = z.strictObject({ changed: changedSettingsResult }).meta({ id: 'ConfigChanged' });

export type ConfigView = z.infer<typeof configResult>;

export const originResult = z
  .strictObject({
    origin: z.string().describe('https://api.example'),
    state: z
      .enum(['closed', 'open', 'half-open'])
      .describe('closed: calls go out · open: the server is down, and none does · half-open: one call is out to see.'),
    since: time().nullable().describe('null while the server is not down.'),
    probeAt: time().nullable().describe('When the next call goes out to see; null while none is planned.'),
    last: z
      .strictObject({ at: time(), what: z.string() })
      .nullable()
      .describe('The newest failure, also of a server that is well again.'),
    instead: z.array(z.string()).describe('Servers that are asked while this server is down, in order.'),
    calls: countResult(),
    failures: countResult(),
    refused: countResult().describe('Calls that did not go out because the server was down.'),
    p50Ms: ms().nullable().describe('Until the head of the answer, of the last good calls.'),
    p95Ms: ms().nullable(),
  })
  .meta({ id: 'Origin', description: 'A server that agents call. Figures count since the host started.' });

export type OriginView = z.infer<typeof originResult>;

export const pressureResult = z
  .strictObject({
    rung: countResult().describe('The highest step in force, 1 to 6; 0: none.'),
    steps: z
      .array(
        z.strictObject({
          step: z
            .enum(PRESSURE_STEPS)
            .describe(
              'hold-growth: no agent gets more workers · shrink-idle: idle workers go · defer-background: background work waits · pause-catch-up: slots of an absence wait · recycle-grower: the worker that grew most goes between two jobs · refuse-sends: new background work is refused.',
            ),
          rung: countResult(),
          text: z.string().describe('The step in words.'),
          resource: z.enum(PRESSED_RESOURCES).describe('The resource that is short.'),
          since: time(),
          seen: z.string().describe('The figures at that time.'),
        }),
      )
      .describe('The steps in force, the mildest first.'),
    resources: z
      .array(
        z.strictObject({
          resource: z.enum(PRESSED_RESOURCES),
          is: z
            .enum(['relieved', 'strained', 'pressed', 'critical'])
            .describe('relieved: well below its mark · strained: near it, or not for long above it.'),
          seen: z.string().describe('The figures of the last look.'),
        }),
      )
      .describe('Each resource at the last look.'),
  })
  .meta({ id: 'Pressure', description: 'What is not started while the machine is short, mildest first.' });

export type PressureView = z.infer<typeof pressureResult>;

/** How an agent is, in one word. */
export const AGENT_STATES = [
  'new',
  'ok',
  'running',
  'retrying',
  'late',
  'healing',
  'quarantined',
  'failed',
  'unscheduled',
  'done',
  'paused',
  'needs setup',
  'off',
] as const;

const waiting = () => countResult().optional().describe('All jobs that wait: queued, and before another attempt.');

export const agentResult = z
  .strictObject({
    name: z.string(),
    plugin: z.string(),
    about: z.string(),
    version: z.string().nullable(),
    rollout: z
      .string()
      .nullable()
      .optional()
      .describe('Of that version: good, probation (its first runs), pinned (by a person), rolled-back.'),
    state: z.enum(AGENT_STATES).describe('unscheduled: a schedule and no next run · done: its schedule has ended.'),
    why: z.string().describe('One sentence that says why the agent is in that state.'),
    schedule: z.string().nullable(),
    timezone: z.string().nullable(),
    range: z.string().nullable().optional().describe('What bounds the schedule, as: from 2026-12-01 until 2027-03-31.'),
    input: z
      .strictObject({ schema: json(), takesNothing: z.boolean() })
      .nullable()
      .optional()
      .describe('What jobs may be given, as JSON Schema draft 7, and whether that may be nothing; null: anything.'),
    lastJob: jobResult.nullable(),
    mutedUntil: time()
      .nullable()
      .optional()
      .describe('Until then the causes of all its open incidents are muted, and its state needs nobody.'),
    nextSlot: time().nullable(),
    p95Ms: ms().nullable(),
    memory: z.strictObject({ usedBytes: bytes().nullable(), limitBytes: bytes() }),
    ...agentWorkers,
    cell: z.enum(['shared', 'own']).nullable().optional().describe('Agents with rights have a cell of their own.'),
    fence: fenceResult.nullable().optional().describe('Of its own cell; null while there is none.'),
    commands: commandFenceResult
      .nullable()
      .optional()
      .describe('The fence around its commands; null for an agent that runs none, or while the host is down.'),
    queued: countResult(),
    waiting: waiting(),
    dead: countResult(),
    spend: z
      .strictObject({ calls: countResult(), tokens: countResult(), money: z.number().min(0) })
      .optional()
      .describe('On models today, in the zone of the host, without calls in progress. Money in dollars.'),
    bill: billResult.optional().describe('Of an agent that is asked for by its name.'),
    hours: z
      .array(z.strictObject({ done: countResult(), dead: countResult() }))
      .describe('Jobs that ended in each of the last 24 hours, oldest first.'),
    problem: faultResult
      .nullable()
      .describe('What is wrong with its plugin or agent file, when an older version goes on running or nothing runs.'),
  })
  .meta({ id: 'Agent' });

export const hostResult = z
  .strictObject({
    version: z.string(),
    pid: countResult(),
    startedAt: time(),
    folder: z.string(),
    watchedBy: z
      .enum(['guardian', 'systemd'])
      .nullable()
      .describe('The process that starts the host again when it ends; null: none does.'),
    guardian: countResult().nullable().describe('The process id of the guardian.'),
    safeMode: z.boolean().describe('The host failed to start again and again, and holds its agents.'),
    memoryBytes: bytes(),
    loopLagMs: ms(),
    cells: countResult(),
    room: roomResult.optional(),
    fences: z
      .array(
        z.strictObject({
          pid: countResult(),
          cell: z.enum(['spare', 'shared', 'own']),
          agent: z.string().nullable().describe('The only agent in it.'),
          fence: fenceResult.nullable().describe('null: the cell has not shut itself in yet.'),
        }),
      )
      .optional()
      .describe('Of each cell.'),
    commands: commandFenceResult
      .nullable()
      .optional()
      .describe('The fence around commands; null where no agent runs any.'),
    workers: countResult(),
    queued: countResult(),
    waiting: waiting(),
    pressure: pressureResult.optional(),
    socket: z.string(),
    store: z.string(),
    logs: z.string(),
    config: configResult
      .nullable()
      .optional()
      .describe('Of config/daruma.yaml; null or left out: the file says what is known to be good.'),
  })
  .meta({ id: 'Host' });

const webResult = () => z.strictObject({ url: z.string(), pid: countResult() }).nullable();

export const statusResult = z
  .strictObject({
    host: hostResult.nullable().describe('null: the host is down, and this is the last known state.'),
    edge: webResult().describe('As `web`, which older pages call so.'),
    web: webResult().optional().describe('The page; null: it is off, or not there yet.'),
    models: chainResult.nullable().optional().describe('The chain of models; null: no gateway listens.'),
    agents: z.array(agentResult),
    incidents: z
      .strictObject({
        open: countResult(),
        healedToday: countResult(),
        muted: countResult().optional().describe('Not ended, with a muted cause: they do not count as open.'),
      })
      .describe('Incidents that have not ended; those healed within the last 24 hours.'),
    alerts: openAlertsResult.optional(),
    origins: z
      .array(originResult)
      .max(100)
      .optional()
      .describe('Servers that agents call: those that are down first, then the newest. Empty while the host is down.'),
    warnings: z.array(warningResult).optional().describe('What rises or leaks, the most certain first.'),
    problems: z.array(faultResult).describe('Files that were rejected and plugins that are idle.'),
    notes: z.array(faultResult).optional().describe('What may be meant so, and is worth a line.'),
  })
  .meta({ id: 'Status' });

export type AgentView = z.infer<typeof agentResult>;
export type StatusView = z.infer<typeof statusResult>;
