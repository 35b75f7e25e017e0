import { whatIsWrongWith } from '../../kernel/cron/check.ts';
import type { TimetableSpec } from '../../kernel/cron/timetable.ts';
import { given } from '../../kernel/given.ts';
import type { ValueProblem } from './issues.ts';

/** What a plugin or an agent file says about the times at which it runs, as written. */
interface SaidTimes {
  schedule?: string | undefined;
  at?: string | undefined;
  timezone?: string | undefined;
  from?: string | undefined;
  until?: string | undefined;
  except?: readonly string[] | undefined;
}

/** The expression that is meant by `schedule` or `at`; undefined when there is neither. */
export function expressionOf({ schedule, at }: Pick<SaidTimes, 'schedule' | 'at'>): string | undefined {
  return at === undefined ? schedule : `at ${at}`;
}

/** What is wrong with the times of one file by itself; its plugin may hold the schedule that its days belong to. */
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
