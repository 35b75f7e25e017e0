import { DEFAULT_MAX_QUEUED, type ScheduleSpec } from '../../jobs/agent.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { timetableOf } from '../../kernel/cron/timetable.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { checkedLength } from '../../kernel/units.ts';
import type { AgentFileData } from '../files/agent-file.ts';
import type { ValueProblem } from '../files/issues.ts';
import { expressionOf, type PluginManifest } from '../files/plugin-manifest.ts';
import type { Pick } from './values.ts';

const RANGE = ['from', 'until', 'except'] as const;

/**
 * The schedule of a plugin put to work. A file that names times of its own (`schedule` or `at`) takes the place of the plugin's,
 * whichever of the two that has; `from`, `until` and `except` count one by one.
 */
export function resolveSchedule(
  said: AgentFileData | undefined,
  plugin: PluginManifest,
  hostTimezone: string,
  pick: Pick,
): { schedule: ScheduleSpec | undefined } | { wrong: ValueProblem } {
  const own = said && expressionOf(said) !== undefined ? said : undefined;
  const at = pick<string | undefined>('at', own?.at, own ? undefined : plugin.at, undefined);
  const written = pick<string | undefined>('schedule', own?.schedule, own ? undefined : plugin.schedule, undefined);
  const expression = expressionOf({ schedule: written, at });
  if (expression === undefined) return withoutSchedule(said);
  // The plugin's rules about many times mean nothing for the one moment of a file.
  const behind = own?.at === undefined ? plugin : undefined;
  const spec: ScheduleSpec = {
    expression,
    timezone: pick('timezone', said?.timezone, plugin.timezone, hostTimezone),
    ...rangeOf(said, behind, pick),
    catchUp: pick('catchUp', said?.catchUp, plugin.catchUp, 'once'),
    overlap: pick('overlap', said?.overlap, plugin.overlap, 'skip'),
    maxQueued: pick('maxQueued', said?.maxQueued, plugin.maxQueued, DEFAULT_MAX_QUEUED),
    jitterMs: checkedLength(pick<string>('jitter', said?.jitter, plugin.jitter, '0s'), BOUNDS.timerOrNone),
  };
  const wrong = said && RANGE.some((key) => spec[key] !== undefined) ? whatIsWrong(spec, said) : undefined;
  return wrong ? { wrong } : { schedule: spec };
}

function rangeOf(said: AgentFileData | undefined, plugin: PluginManifest | undefined, pick: Pick) {
  const from = pick<string | undefined>('from', said?.from, plugin?.from, undefined);
  const until = pick<string | undefined>('until', said?.until, plugin?.until, undefined);
  const except = pick<string[] | undefined>('except', said?.except, plugin?.except, undefined);
  return given({ from, until, except });
}

function withoutSchedule(said: AgentFileData | undefined): { schedule: undefined } | { wrong: ValueProblem } {
  const key = RANGE.find((one) => said?.[one] !== undefined);
  if (key === undefined) return { schedule: undefined };
  const message = 'belongs to a schedule, and neither this file nor its plugin has one';
  return { wrong: { code: 'SCHEDULE_INVALID', path: [key], message, next: `add a schedule, or leave \`${key}\` out` } };
}

/** Each file was good by itself; together they may contradict each other. */
function whatIsWrong(spec: ScheduleSpec, said: AgentFileData): ValueProblem | undefined {
  try {
    timetableOf(spec);
    return undefined;
  } catch (error) {
    const { data, message, next } = toPlainFault(error);
    const key = [String(data?.key), ...RANGE].find((one) => one in said) ?? 'schedule';
    return {
      code: 'SCHEDULE_INVALID',
      path: [key],
      message: String(data?.reason ?? message),
      ...given({ next }),
    };
  }
}
