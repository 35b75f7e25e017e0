import * as z from 'zod';
import { countResult, ms, time } from './fields.ts';

const delivery = z.strictObject({
  step: countResult(),
  is: z.enum(['firing', 'reminder', 'over', 'healed', 'digest']),
  channel: z.string(),
  state: z.enum(['planned', 'waiting', 'delivered', 'failed', 'withdrawn']),
  job: z.string().nullable(),
  at: time().describe('Since when it is on its way.'),
  endedAt: time().nullable(),
  tookMs: ms().nullable().describe('null until it is delivered.'),
  why: z.string().nullable(),
});

export const alertResult = z
  .strictObject({
    id: z.string(),
    severity: z.enum(['open', 'warning', 'healed', 'digest']),
    state: z.enum(['firing', 'over']),
    agent: z.string().nullable().describe('null: the host.'),
    title: z.string(),
    seen: z.string(),
    since: time(),
    endedAt: time().nullable(),
    ending: z.string().nullable(),
    done: z.array(z.string()),
    left: z.string().describe('What is left to a person.'),
    next: z.string(),
    culprit: z.string().nullable().describe('The process or agent that causes it; null: not known.'),
    incident: z.string().nullable(),
    returns: countResult().describe('How often the trouble came back within an hour.'),
    announcedAt: time().nullable().describe('The last time at which people were told of it; null: never so far.'),
    quiet: z.boolean().describe('Nobody is told, because of the trouble that it came of.'),
    deliveries: z.array(delivery),
  })
  .meta({ id: 'Alert', description: 'What people are told of one trouble, and what became of it.' });

export type AlertView = z.infer<typeof alertResult>;

export const openAlertsResult = z
  .strictObject({
    firing: countResult(),
    worst: alertResult
      .pick({ id: true, severity: true, agent: true, title: true, since: true, next: true })
      .nullable()
      .describe('What wants a person most, the oldest of those; null: none.'),
  })
  .meta({ id: 'OpenAlerts', description: 'Alerts that people were told of and that are not over.' });

export type OpenAlertsView = z.infer<typeof openAlertsResult>;

export const alertTestResult = z
  .strictObject({
    channel: z.string().describe('An agent, or `file`.'),
    ok: z.boolean(),
    tookMs: ms(),
    job: z.string().nullable(),
    why: z.string().nullable().describe('Why it is not delivered.'),
  })
  .meta({ id: 'AlertTest' });

export const windowResult = z
  .strictObject({
    id: z.string().describe('mw-3; of a recurring window its place in the settings.'),
    agent: z.string().nullable().describe('null: everything.'),
    from: time(),
    until: time(),
    note: z.string().nullable(),
  })
  .meta({ id: 'MaintenanceWindow' });
