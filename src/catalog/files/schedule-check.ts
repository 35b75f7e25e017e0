import { CronTime } from 'cron';

const PRESETS = ['@hourly', '@daily', '@weekly', '@monthly', '@yearly'];
const EXAMPLE = '*/10 * * * *';

/** What is wrong with a cron expression: a part of a sentence; undefined when it is valid and fires some day. */
export function whatIsWrongWithSchedule(expression: string, timezone: string, now: number): string | undefined {
  const trimmed = expression.trim();
  if (trimmed.startsWith('@') && !PRESETS.includes(trimmed)) return `is unknown; known are ${PRESETS.join(', ')}`;
  let cron: CronTime;
  try {
    cron = new CronTime(trimmed, timezone);
  } catch (error) {
    const fields = trimmed === '' ? 0 : trimmed.split(/\s+/).length;
    const counted = !trimmed.startsWith('@') && fields !== 5 && fields !== 6;
    return counted
      ? `has ${fields} ${fields === 1 ? 'field' : 'fields'}; expected five (minute hour day month weekday), or six with seconds first`
      : `is no cron expression: ${(error as Error).message.replace(/\s+/g, ' ')}`;
  }
  try {
    cron.getNextDateFrom(new Date(now), timezone);
    return undefined;
  } catch {
    return 'never fires: no such day comes within eight years';
  }
}

/** A valid expression with its next three times, to copy from. */
export function scheduleExample(timezone: string, now: number): string {
  const times = nextTimes(EXAMPLE, timezone, now, 3);
  return `for example "${EXAMPLE}", which would run at ${times.join(', ')} (${timezone})`;
}

function nextTimes(expression: string, timezone: string, now: number, count: number): string[] {
  const cron = new CronTime(expression, timezone);
  const times: string[] = [];
  let at = now;
  while (times.length < count) {
    const next = cron.getNextDateFrom(new Date(at), timezone).toMillis();
    // Over an autumn's doubled hour the library's look-ahead can stand still or go back.
    at = next > at ? next : at + 3_600_000;
    times.push(
      new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit' }).format(new Date(at)),
    );
  }
  return times;
}
