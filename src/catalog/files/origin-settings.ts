import * as z from 'zod';
import { BOUNDS } from '../../kernel/bounds.ts';
import { isOrigin, postgresOrigin } from '../../kernel/origin.ts';
import { checkedLength } from '../../kernel/units.ts';
import { countField, lengthField } from './fields.ts';

/**
 * Settings of config/daruma.yaml for calls to one origin, or to all (`*`); a setting that is not said is missing. Times
 * in ms.
 */
export interface OriginSetting {
  failures?: number;
  rate?: number;
  calls?: number;
  windowMs?: number;
  pause?: { first?: number; longest?: number };
  longestAskedMs?: number;
  attempts?: number;
  timeoutMs?: number;
  /** The origins of the chain that are asked while this one is down. */
  instead?: string[];
  credentials?: boolean;
}

const ORIGIN = 'an origin such as https://api.example or http://localhost:8080, without a path';
const POSTGRES_PORT = 5_432;

const originField = z
  .string({ error: `expected ${ORIGIN}` })
  .refine((text) => plainOrigin(text) !== null && !text.startsWith('postgres:'), { error: `expected ${ORIGIN}` });

const settingField = z.strictObject({
  instead: z
    .array(originField)
    .max(5)
    .optional()
    .describe('Who is asked while it is down, in order, for the same path and query. needs.net has to allow them.'),
  credentials: z
    .boolean()
    .optional()
    .describe('Whether those get the headers that say who asks (Authorization, Cookie, secrets). Default false.'),
  failures: countField({ least: 1, most: 100 }).optional().describe('In a row, and it counts as down. Default 3.'),
  rate: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('The share of failed calls within `window` with which it counts as down. Default 0.5.'),
  calls: countField({ least: 1, most: 10_000 })
    .optional()
    .describe('The least calls within `window` for that. Default 20.'),
  window: lengthField(BOUNDS.timer).optional().describe('Default 60s.'),
  pause: z
    .strictObject({
      first: lengthField(BOUNDS.timer).optional().describe('Before the first probe. Default 5s.'),
      longest: lengthField(BOUNDS.timer).optional().describe('No pause is longer. Default 5m.'),
    })
    .optional()
    .describe('How long it is left alone before one call goes out as the probe: doubled each time, ±25 %.'),
  longestAsked: lengthField(BOUNDS.timer).optional().describe('The longest Retry-After that is obeyed. Default 15m.'),
  attempts: countField(BOUNDS.calls)
    .optional()
    .describe('How often a call that may be repeated is tried in all. Default 3.'),
  timeout: lengthField(BOUNDS.timer).optional().describe('The longest that one try may take. Default 30s.'),
});

/** The schema of `origins:`. */
export const originsField = z.record(z.string(), settingField).superRefine((all, context) => {
  for (const [origin, { instead = [] }] of Object.entries(all)) {
    if (origin !== '*' && plainOrigin(origin) === null)
      context.addIssue({ code: 'custom', path: [origin], message: `expected ${ORIGIN}, or * for all` });
    if (instead.length > 0 && origin.startsWith('postgres:'))
      context.addIssue({
        code: 'custom',
        path: [origin, 'instead'],
        message: 'a connection to PostgreSQL goes to no other server',
      });
    if (instead.some((other) => plainOrigin(other) === plainOrigin(origin)))
      context.addIssue({ code: 'custom', path: [origin, 'instead'], message: 'is the origin itself' });
  }
});

/** The settings in base units, by origin as URLs have it: lower case, without the usual port. */
export function originSettings(said: z.output<typeof originsField> = {}): Record<string, OriginSetting> {
  return Object.fromEntries(
    Object.entries(said).map(([origin, one]) => [plainOrigin(origin) ?? origin, settingOf(one)]),
  );
}

function settingOf(said: z.output<typeof settingField>): OriginSetting {
  const { window, pause, longestAsked, timeout, instead, ...same } = said;
  const { first, longest } = pause ?? {};
  return defined({
    ...same,
    instead: instead?.map((origin) => plainOrigin(origin)!),
    windowMs: ms(window),
    longestAskedMs: ms(longestAsked),
    timeoutMs: ms(timeout),
    pause: pause && defined({ first: ms(first), longest: ms(longest) }),
  });
}

const ms = (text: string | undefined) => (text === undefined ? undefined : checkedLength(text, BOUNDS.timer));

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** A setting that is not said must not hide the setting that holds for all. */
function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** The origin of a text, as `https://api.example`; null for anything that is more or less than an origin. */
function plainOrigin(text: string): string | null {
  const url = URL.parse(text);
  if (url?.protocol === 'postgres:') {
    const origin = postgresOrigin(url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || POSTGRES_PORT));
    return isOrigin(origin) && /^postgres:\/\/[^/@?#]+\/?$/.test(text) ? origin : null;
  }
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
  const isPlain = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  return isPlain ? url.origin : null;
}
