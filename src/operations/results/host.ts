import * as z from 'zod';
import { bytes, countResult, faultResult, json, time } from './fields.ts';

export const pingResult = z
  .strictObject({
    pid: countResult(),
    version: z.string(),
    startedAt: time(),
    folder: z.string().optional().describe('Left out by older hosts.'),
    folderId: z.string().nullable().optional().describe('What the folder is, whatever it is called.'),
  })
  .meta({ id: 'Ping' });

export const checkResult = z
  .strictObject({
    agents: z.array(z.string()),
    problems: z.array(faultResult),
    notes: z.array(faultResult).optional().describe('What may be meant so, and is worth a line.'),
  })
  .meta({ id: 'Check', description: 'What is wrong with the files of plugins and agents.' });

export const pausedResult = z.strictObject({ agent: z.string(), until: time().nullable() }).meta({ id: 'Paused' });

export const resumedResult = z.strictObject({ agent: z.string() }).meta({ id: 'Resumed' });

export const restartedResult = z
  .strictObject({
    agent: z.string(),
    workers: z.array(z.string()).describe('Workers that go.'),
    jobs: z.array(z.string()).describe('Jobs that ran on them.'),
    now: z.boolean().describe('Whether these jobs were stopped.'),
  })
  .meta({ id: 'Restarted' });

export const levelResult = z
  .strictObject({
    agent: z.string(),
    level: z.string(),
    until: time().nullable().describe('The agent goes back to the level of its file then; null: when the host ends.'),
  })
  .meta({ id: 'Level' });

export const mendedResult = z
  .strictObject({ mended: countResult().describe('Rows that were set aside.') })
  .meta({ id: 'Mended' });

export const stoppingResult = z.strictObject({ pid: countResult() }).meta({ id: 'Stopping' });

export const startedResult = z
  .strictObject({
    pid: countResult(),
    version: z.string(),
    startedAt: time(),
    folder: z.string(),
    socket: z.string(),
    store: z.string(),
    logs: z.string(),
    agents: z.array(z.string()),
    problems: z.array(faultResult),
  })
  .meta({ id: 'Started', description: 'The one line that `start` prints when the host is at work.' });

export const workerResult = z
  .strictObject({
    worker: z.string(),
    agent: z.string(),
    version: z.string(),
    is: z.enum(['starting', 'idle', 'busy', 'draining', 'stopping']),
    job: z.string().nullable().describe('The oldest of its jobs.'),
    startedAt: time().nullable().describe('The start of its job.'),
    jobs: z
      .array(z.strictObject({ job: z.string(), startedAt: time().nullable(), lastBeat: z.string().nullable() }))
      .describe('All that it does, oldest first: several where `concurrency` lets it.'),
    memoryBytes: bytes().nullable().describe('Heap and external memory; null before it was first measured.'),
  })
  .meta({ id: 'Worker', description: 'A worker that is there now.' });

export const guestsItem = z
  .strictObject({ agents: z.array(z.string()) })
  .meta({ id: 'Guests', description: 'The guest agents may be given jobs.' });

export type WorkerView = z.infer<typeof workerResult>;

export const logLineResult = z
  .looseObject({
    time: z.string(),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    msg: z.string(),
    agent: z.string().optional(),
    job: z.string().optional(),
    worker: z.string().optional(),
    place: z
      .string()
      .optional()
      .describe('`daruma.2026-11-22.3.log:1204`, in the folder of the log; only with `places`.'),
  })
  .meta({ id: 'LogLine', description: 'A line of a log, as it stands in the file, with all that was logged beside.' });

export const logFileResult = z
  .strictObject({
    name: z.string().describe('daruma.2026-11-22.3.log: the day and the number on that day.'),
    bytes: bytes(),
    changedAt: time(),
  })
  .meta({ id: 'LogFile', description: 'A file of the log; the newest is being written.' });

export const eventResult = z
  .strictObject({
    id: countResult(),
    at: time(),
    kind: z.string().describe('A room, a dot, what happened: agent.paused.'),
    agent: z.string().nullable(),
    message: z.string(),
    who: z
      .string()
      .nullable()
      .describe(
        'Who did it: a person by the door (cli:ann), the owner of a file, a room of the host; null: not known.',
      ),
    cause: countResult()
      .nullable()
      .describe('The id of the event that it came of, which may be cleared up by now; null: none is known.'),
    data: z.record(z.string(), json()).nullable(),
  })
  .meta({ id: 'Event', description: 'Something that happened in the installation.' });

export type EventView = z.infer<typeof eventResult>;
export type LogLine = z.infer<typeof logLineResult>;
