import * as z from 'zod';
import { BOUNDS } from '../../kernel/bounds.ts';
import { whatIsWrongWith } from '../../kernel/cron/check.ts';
import type { TimetableSpec } from '../../kernel/cron/timetable.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { placeInPlugin } from '../../kernel/source-text.ts';
import { checkedLength } from '../../kernel/units.ts';
import type { PluginDefinition, Webhook } from '../../plugin/define.ts';
import type { RawManifest } from '../builder/messages.ts';
import { isSettingOf, unknownIn } from '../resolve/net.ts';
import {
  catchUpField,
  classField,
  countField,
  debounceField,
  isolationField,
  lengthField,
  limitField,
  limitsField,
  needsField,
  overlapField,
  timezoneField,
  topicsField,
  webhookField,
  whenFields,
  workersField,
} from './fields.ts';
import { faultOfIssues, type ValueProblem } from './issues.ts';
import { whatIsWrongWithKey, whatIsWrongWithLimit } from './key-limit.ts';

/** A plugin as it is known without running it: its definition as written, checked. */
export interface PluginManifest extends Omit<PluginDefinition, 'run' | 'settings' | 'input' | 'webhook'> {
  webhook?: Omit<Webhook, 'input'>;
  /** JSON Schema draft 7 of the settings that may be written; null for a plugin without settings. */
  settingsSchema: unknown;
  /** The input that its jobs may be given; undefined: any input. */
  input?: NonNullable<RawManifest['input']>;
}

/** The schema of definePlugin's argument, without `run`, `settings` and `input`, which are code. */
const definitionSchema = z.strictObject({
  about: z
    .string({ error: 'expected one sentence that says what it is for' })
    .trim()
    .min(1, { error: 'expected one sentence that says what it is for' })
    .max(500, { error: 'is longer than 500 characters' }),
  ...whenFields,
  timezone: timezoneField.optional(),
  catchUp: catchUpField.optional(),
  overlap: overlapField.optional(),
  maxQueued: countField(BOUNDS.queuedSlots).optional(),
  jitter: lengthField(BOUNDS.timerOrNone).optional(),
  always: z.boolean().optional(),
  on: topicsField.optional(),
  webhook: webhookField.required({ verify: true }).optional(),
  debounce: debounceField.optional(),
  limit: limitField.optional(),
  firstRun: z.boolean().optional(),
  limits: limitsField.optional(),
  needs: needsField.optional(),
  workers: workersField.optional(),
  concurrency: countField(BOUNDS.concurrency).optional(),
  isolation: isolationField.optional(),
  class: classField.optional(),
});

const KNOWN_BESIDES = { run: {}, settings: {}, input: {} };

/** Checks the definition of a plugin; the fault names the place in its source. */
export function readManifest(
  raw: RawManifest,
  at: { file: string; text: string; timezone: string; now: number },
): { manifest: PluginManifest } | { fault: PlainFault } {
  const place = (path: (string | number)[]) => placeInPlugin(at.text, path);
  const parsed = definitionSchema.safeParse(raw.definition);
  if (!parsed.success) {
    const schema = z.toJSONSchema(definitionSchema, { io: 'input', target: 'draft-7' });
    Object.assign(schema.properties!, KNOWN_BESIDES);
    const terms = { code: 'PLUGIN_INVALID', data: raw.definition, schema, file: at.file, text: at.text, place };
    return { fault: faultOfIssues(parsed.error.issues, terms) };
  }
  const parsedDefinition = parsed.data;
  const { limit, debounce } = parsedDefinition;
  const { settingsSchema, input } = raw;
  const wrong =
    whatIsWrongInside(parsedDefinition, at) ??
    (limit && whatIsWrongWithLimit(limit, input?.schema)) ??
    whatIsWrongWithKey('debounce', debounce?.key, input?.schema);
  if (wrong) {
    const terms = { code: wrong.code, data: parsedDefinition, schema: {}, file: at.file, text: at.text, place };
    const fault = faultOfIssues([{ code: 'custom', message: wrong.message, path: wrong.path }], terms);
    return { fault: wrong.next ? { ...fault, next: wrong.next } : fault };
  }
  const unknownSettings = (parsedDefinition.needs?.net ?? []).flatMap((entry, index) => {
    const message = isSettingOf(entry)
      ? unknownIn(raw.settingsSchema as object | null, entry.split('.').slice(1))
      : undefined;
    return message === undefined ? [] : [{ code: 'custom', message, path: ['needs', 'net', index] }];
  });
  if (unknownSettings.length > 0) {
    const terms = { code: 'NEEDS_INVALID', data: parsedDefinition, schema: {}, file: at.file, text: at.text, place };
    const next = 'name a setting of the plugin; a host of that name is written with its port';
    return { fault: { ...faultOfIssues(unknownSettings, terms), next } };
  }
  const manifest = { ...(parsedDefinition as Omit<PluginManifest, 'settingsSchema'>), settingsSchema };
  return { manifest: input ? { ...manifest, input } : manifest };
}

/**
 * The rules that a schema cannot say: the schedule must fire, and bounds must not cross. Plugins and agent files share
 * them.
 */
export function whatIsWrongInside(
  parsedDefinition: Pick<
    z.infer<typeof definitionSchema>,
    'schedule' | 'at' | 'from' | 'until' | 'except' | 'timezone' | 'workers'
  > & { debounce?: false | { period?: string | undefined; timeout?: string | undefined } | undefined },
  at: { timezone: string; now: number },
): ValueProblem | undefined {
  const wrong = whatIsWrongWithTimes(parsedDefinition, at);
  if (wrong) return wrong;
  const { min, max } = parsedDefinition.workers ?? {};
  if (min !== undefined && max !== undefined && min > max) {
    return { code: 'WORKERS_INVALID', path: ['workers', 'min'], message: `${min} is above workers.max ${max}` };
  }
  const { period, timeout } = parsedDefinition.debounce || {};
  return period === undefined || timeout === undefined ? undefined : whatIsWrongWithDebounce(period, timeout);
}

/** The problem of the lengths of `debounce`, as written. */
export function whatIsWrongWithDebounce(period: string, timeout: string): ValueProblem | undefined {
  if (checkedLength(timeout, BOUNDS.timer) >= checkedLength(period, BOUNDS.timer)) return undefined;
  return {
    code: 'DEBOUNCE_INVALID',
    path: ['debounce'],
    message: `the timeout of ${timeout} is shorter than the period of ${period}`,
    next: 'a job is put off by the period each time, and by the timeout in all: set a longer timeout',
  };
}

/** The times of a plugin or an agent file, as written. */
interface SaidTimes {
  schedule?: string | undefined;
  at?: string | undefined;
  timezone?: string | undefined;
  from?: string | undefined;
  until?: string | undefined;
  except?: readonly string[] | undefined;
}

/** The expression of `schedule` or `at`; undefined when there is neither. */
export function expressionOf({ schedule, at }: Pick<SaidTimes, 'schedule' | 'at'>): string | undefined {
  return at === undefined ? schedule : `at ${at}`;
}

/** The problem of the times of one file by itself; its plugin may hold the schedule that its days belong to. */
export function whatIsWrongWithTimes(said: SaidTimes, at: { timezone: string; now: number }): ValueProblem | undefined {
  if (said.schedule !== undefined && said.at !== undefined) {
    const message = 'stands beside a schedule: one agent has one of them';
    return { code: 'SCHEDULE_INVALID', path: ['at'], message, next: 'leave `at` or `schedule` out' };
  }
  const { from, until, except, timezone = at.timezone } = said;
  const expression = expressionOf(said);
  if (expression === undefined && from === undefined && until === undefined && except === undefined) return undefined;
  return wrongOf({ expression: expression ?? '@secondly', timezone, from, until, except }, at.now);
}

function wrongOf(spec: TimetableSpec, now: number): ValueProblem | undefined {
  const wrong = whatIsWrongWith(spec, now);
  if (!wrong) return undefined;
  const { key, message, next } = wrong;
  return { code: 'SCHEDULE_INVALID', path: [key], message, ...given({ next }) };
}
