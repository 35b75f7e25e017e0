import * as z from 'zod';
import { HEALTH_CODES } from '../health-reasons.ts';
import { ms, time } from './fields.ts';

export const healthResult = z
  .strictObject({
    state: z
      .enum(['ok', 'degraded', 'down'])
      .describe('degraded: it works, and something wants somebody · down: it takes or runs no work.'),
    live: z.boolean().describe('Its loops turn. False: it has to be started again.'),
    ready: z.boolean().describe('It takes work and runs it.'),
    reasons: z
      .array(
        z.strictObject({
          code: z.enum(HEALTH_CODES),
          who: z.string().describe('What it is about: a loop, an agent, a server, host, store, disk, …'),
          text: z.string(),
        }),
      )
      .describe('Why it is not ok, the worst first.'),
    loops: z
      .array(z.strictObject({ name: z.string(), agoMs: ms() }))
      .describe('When each loop of the host last turned; while it is down, as the store knows it.'),
    agents: z
      .array(
        z.strictObject({
          name: z.string(),
          lastRun: time().nullable().describe('When its last attempt ended.'),
          lastBeat: time().nullable().describe('When an attempt of it last beat, logged or called.'),
          nextSlot: time().nullable(),
        }),
      )
      .describe('The last sign of life of each agent.'),
    pings: z
      .array(
        z.strictObject({
          name: z.string(),
          at: time().describe('Its last ping.'),
          withinMs: ms().describe('How long it may be silent.'),
          late: z.boolean(),
        }),
      )
      .describe('Programs outside of Daruma that ping.'),
  })
  .meta({ id: 'Health', description: 'Whether the host lives, works and is well.' });

export type HealthView = z.infer<typeof healthResult>;

export const pingForgottenResult = z
  .strictObject({ name: z.string(), forgotten: z.boolean().describe('false: it never pinged.') })
  .meta({ id: 'PingForgotten' });
