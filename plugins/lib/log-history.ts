/** Errors and warnings of one form: alike but for words that hold a digit. */
export interface ErrorForm {
  /** The agent, or the room of the host, that logs it. */
  from: string;
  level: 'warn' | 'error';
  /** The newest message. */
  message: string;
  /** The day on which it was first seen, as `2026-11-22`. */
  first: string;
  /** Lines by day. */
  days: Record<string, number>;
}

/** Forms by their fingerprint, of the last days. */
export type ErrorHistory = Record<string, ErrorForm>;

/** A form that a person may want to look at. */
export interface Finding {
  fingerprint: string;
  from: string;
  level: 'warn' | 'error';
  message: string;
  count: number;
  /** The mean of a day in the week before; 0 for a form that is new. */
  usual: number;
}

const DAYS_KEPT = 8;
const MOST_FORMS = 300;
const LONGEST_MESSAGE = 160;
/** A form that comes so many times as often as usual, and so often at least, is told. */
const TIMES_AS_OFTEN = 3;
const LEAST_COUNT = 10;
const REPEATS = /^… ([\d,]+) more like this: /;

/** Adds a line of the log as it stands in its file; whatever is no error and no warning of an agent or a room adds nothing. */
export function addLine(history: ErrorHistory, text: string): void {
  if (!text.includes('"level":"error"') && !text.includes('"level":"warn"')) return;
  const line = parsed(text);
  if (!line || (line.level !== 'error' && line.level !== 'warn')) return;
  const from = line.agent ?? line.room ?? 'host';
  const repeats = REPEATS.exec(line.msg);
  const message = (repeats ? line.msg.slice(repeats[0].length) : line.msg).split('\n', 1)[0]!;
  const count = repeats ? Number(repeats[1]!.replaceAll(',', '')) : 1;
  const fingerprint = `${from} ${line.level} ${message.slice(0, 200).replace(/\S*\d\S*/g, '#')}`;
  const day = line.time.slice(0, 10);
  const known = history[fingerprint];
  const form: ErrorForm = known ?? { from, level: line.level, message: '', first: day, days: {} };
  form.message = message.slice(0, LONGEST_MESSAGE);
  form.days[day] = (form.days[day] ?? 0) + count;
  history[fingerprint] = form;
}

/** The history without days that are over, and without the forms that came least often where there are too many. `today` as `2026-11-22`. */
export function pruneHistory(history: ErrorHistory, today: string): ErrorHistory {
  const oldest = dayBefore(today, DAYS_KEPT);
  const kept = Object.entries(history).flatMap(([fingerprint, form]) => {
    const days = Object.fromEntries(Object.entries(form.days).filter(([day]) => day > oldest));
    return Object.keys(days).length > 0 ? [[fingerprint, { ...form, days }] as const] : [];
  });
  const total = ({ days }: ErrorForm) => Object.values(days).reduce((sum, count) => sum + count, 0);
  return Object.fromEntries(kept.sort(([, a], [, b]) => total(b) - total(a)).slice(0, MOST_FORMS));
}

/** The forms of a day that are new, and those that came more often than in the week before; the most frequent first. */
export function findingsOf(
  history: ErrorHistory,
  day: string,
): { fresh: Finding[]; rising: Finding[]; errors: number } {
  const [fresh, rising]: [Finding[], Finding[]] = [[], []];
  let errors = 0;
  const days = Array.from({ length: DAYS_KEPT - 1 }, (_, index) => dayBefore(day, index + 1));
  // A week that was not watched says nothing of what is usual.
  const watched = days.filter((one) => Object.values(history).some((form) => form.days[one] !== undefined)).length;
  for (const [fingerprint, form] of Object.entries(history)) {
    const count = form.days[day] ?? 0;
    if (count === 0) continue;
    if (form.level === 'error') errors += count;
    const usual = watched === 0 ? 0 : days.reduce((sum, one) => sum + (form.days[one] ?? 0), 0) / watched;
    const { from, level, message } = form;
    const finding = { fingerprint, from, level, message, count, usual: Math.round(usual * 10) / 10 };
    if (form.first === day) fresh.push(finding);
    else if (watched > 0 && count >= LEAST_COUNT && count > TIMES_AS_OFTEN * usual) rising.push(finding);
  }
  const byCount = (a: Finding, b: Finding) => b.count - a.count;
  return { fresh: fresh.sort(byCount), rising: rising.sort(byCount), errors };
}

/** The day so many days before. */
export function dayBefore(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
}

function parsed(text: string): { time: string; level: string; msg: string; agent?: string; room?: string } | undefined {
  try {
    const line = JSON.parse(text);
    return typeof line?.time === 'string' && typeof line.msg === 'string' ? line : undefined;
  } catch {
    return undefined; // a line that is being written
  }
}
