import { Fault } from '../fault.ts';

/** The fault of a schedule, and what to write in its place. */
interface Refusal {
  /** A sentence without its full stop: `"sat" is a weekday and stands in the field of the month`. */
  message: string;
  next: string;
}

/** Thrown while an expression is read; {@link scheduleFault} makes a fault of it. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(message: string, next: string) {
    super(message);
    this.refusal = { message, next };
  }
}

/** A schedule that cannot be kept, with what can. `key`: where it is written; default `schedule`. */
export function scheduleFault(written: string, { message, next }: Refusal, key = 'schedule'): Fault {
  const data = { reason: message, key };
  return new Fault({ code: 'SCHEDULE_INVALID', message: `${key} "${written}": ${message}`, next, data });
}

const TYPED = /^(?:every\s+)?(\d+)\s*(s|m|h|d|seconds?|secs?|minutes?|mins?|hours?|days?)$/i;

/**
 * Answers forms of other crons with what to write here; undefined when the text has no such form, and its fields are
 * to be read.
 */
export function foreignForm(written: string): Refusal | undefined {
  const zone = /^(?:CRON_)?TZ=(\S+)\s*(.*)$/i.exec(written);
  if (zone) {
    const next = `write \`timezone: ${zone[1]}\`${zone[2] ? ` and the schedule as "${zone[2]}"` : ''}`;
    return { message: 'the time zone has a line of its own', next };
  }
  if (/^@reboot$/i.test(written)) {
    const next = 'give the plugin `firstRun: true` for one job as soon as it is new, or name a time';
    return { message: 'a schedule names times, and the start of a machine is none', next };
  }
  const length = TYPED.exec(written);
  if (length) {
    const unit = length[2]![0]!.toLowerCase();
    return { message: 'a length of time is written with @every', next: `write "@every ${length[1]}${unit}"` };
  }
  if (/(^|[\s,])H([\s,/(]|$)/.test(written)) {
    const next = 'write a number in its place, and `jitter: 10m` spreads agents that share a minute';
    return { message: 'H is of Jenkins and means a minute by chance', next };
  }
  if (/~/.test(written)) {
    const next = 'write a time, and `jitter: 10m` starts each job up to so much later';
    return { message: '~ means a time by chance, and no such thing is written here', next };
  }
  return undefined;
}

/** Neither five fields nor six. */
export function fieldCount(fields: readonly string[]): Refusal {
  const count = fields.length;
  const next = 'write five fields (minute, hour, day of the month, month, weekday), or six with seconds first';
  const has = `has ${count} ${count === 1 ? 'field' : 'fields'} instead of five or six`;
  if (count === 7 && /^(?:\*|[\d,*/-]*\d{4}[\d,/-]*)$/.test(fields[6]!)) {
    const of = `write "${fields.slice(0, 6).join(' ')}", and \`from\` and \`until\` for the years`;
    return { message: `${has}: a year is no field of a schedule`, next: of };
  }
  return { message: has, next };
}
