import * as z from 'zod';
import { BOUNDS } from '../../kernel/bounds.ts';
import { fnv1a } from '../../kernel/fnv.ts';
import { checkedLength } from '../../kernel/units.ts';
import { cronField, lengthField } from './fields.ts';
import { NAME } from './names.ts';

/** A maintenance window that comes again and again. `agents` null: of everything. */
export interface WindowSetting {
  cron: string;
  forMs: number;
  agents: readonly string[] | null;
}

/** The address outside of this machine that is pinged as long as every loop turns. */
export interface DeadManSetting {
  url: string;
  everyMs: number;
}

const EVERY = '1m';
const CHANNELS = 'expected a list of agents that post, such as [post-email]';

const cronText = cronField('expected a cron expression in quotes');

const agentField = z.string({ error: CHANNELS }).regex(NAME, { error: 'expected the name of an agent' });

/** The schema of `alerts.open` and its neighbours. */
export const channelsField = z.array(agentField, { error: CHANNELS }).max(20);

/** The schema of `alerts.digestAt`. */
export const digestAtField = cronText;

/** The schema of `alerts.windows`. */
export const windowsField = z
  .array(
    z.strictObject({
      cron: cronText.describe('When it begins, in the zone of the host.'),
      for: lengthField(BOUNDS.pause).describe('How long it holds.'),
      agents: z.array(agentField).max(100).optional().describe('Of these agents alone. Default: of everything.'),
    }),
  )
  .max(50);

/** The schema of `alerts.deadman`. */
export const deadManField = z.strictObject({
  url: z
    .string({ error: 'expected an address' })
    .refine(isPingAddress, { error: 'expected an address such as https://hc.example/ping/…, without ? and #' })
    .describe('It is pinged as Healthchecks is: …/start, …/fail, and the address itself.'),
  every: lengthField({ least: 1_000, most: BOUNDS.timer.most }).optional().describe(`Default ${EVERY}.`),
});

/** The schema of `alerts.file`. */
export const alertFileField = z.union([z.literal(false), z.string().min(1)], { error: 'expected a path, or false' });

export function windowSettings(said: z.output<typeof windowsField>): WindowSetting[] {
  return said.map((one) => ({
    cron: one.cron,
    forMs: checkedLength(one.for, BOUNDS.pause),
    agents: one.agents ?? null,
  }));
}

export function deadManSetting({ url, every = EVERY }: z.output<typeof deadManField>): DeadManSetting {
  return { url: url.replace(/\/+$/, ''), everyMs: checkedLength(every, BOUNDS.timer) };
}

/** The value for people: the path of the address is a secret. Two addresses are shown differently. */
export function shownDeadMan({ url, ...rest }: z.output<typeof deadManField>): Record<string, unknown> {
  return { url: `${new URL(url).origin}/(hidden ${(fnv1a(url) >>> 0).toString(36)})`, ...rest };
}

function isPingAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
}
