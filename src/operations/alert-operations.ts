import * as z from 'zod';
import { BOUNDS } from '../kernel/bounds.ts';
import { countArgument, instant, limit, name, text } from './arguments.ts';
import { NO_ARGUMENTS, type Operation } from './operation.ts';

const results = () => import('./results/alerts.ts');

/** Operations on what people are told. */
export const ALERT_OPERATIONS = {
  alerts: {
    kind: 'read',
    role: 'reader',
    about: 'Alerts, the newest trouble first, with what became of each delivery.',
    args: z.strictObject({
      agent: name().optional().describe('Only alerts of one agent.'),
      since: instant().optional().describe('Only alerts that are not over, or were over then or later.'),
      limit: limit(),
    }),
    result: async () => z.array((await results()).alertResult),
  },
  alertsTest: {
    kind: 'act',
    role: 'operator',
    about: 'Sends a test through a channel, or through all of the settings, and waits until it is delivered.',
    args: z.strictObject({ channel: name().optional().describe('An agent that posts. Left out: all of `alerts`.') }),
    result: async () => z.array((await results()).alertTestResult),
  },
  maintenance: {
    kind: 'read',
    role: 'reader',
    about: 'Maintenance windows that hold now.',
    args: NO_ARGUMENTS,
    result: async () => z.array((await results()).windowResult),
  },
  maintenanceStart: {
    kind: 'act',
    role: 'operator',
    about: 'Starts a maintenance window: nobody is told anything until its end; what still holds is told then.',
    args: z.strictObject({
      agent: name().optional().describe('Of one agent alone. Left out: of everything.'),
      forMs: countArgument(BOUNDS.pause).describe('How long.'),
      note: text(1_000).optional().describe('Why.'),
    }),
    options: { forMs: '--for <time>', note: '--note <text>' },
    result: async () => (await results()).windowResult,
  },
  maintenanceEnd: {
    kind: 'act',
    role: 'operator',
    about: 'Ends maintenance windows that people started.',
    args: z.strictObject({ id: name().optional().describe('Left out: all of them.') }),
    result: async () => z.array((await results()).windowResult),
  },
} as const satisfies Record<string, Operation>;
