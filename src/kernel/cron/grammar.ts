import { suggest } from '../suggest.ts';
import {
  type DayOfMonthRule,
  FIELDS,
  type FieldRule,
  fieldNames,
  type NthWeekday,
  namedValue,
  readDayOfMonth,
  readNthWeekday,
} from './field-words.ts';
import { fieldCount, foreignForm, Refused } from './refusals.ts';

/** An expression whose every part was understood. */
interface CronText {
  /** Six fields of numbers, ranges that go up, and steps: what the cron package reads, with `*` where only days of other kinds stand. */
  plain: string;
  /** `L`, `L-3`, `LW`, `15W` of the day of the month. */
  days: readonly DayOfMonthRule[];
  /** `MON#1`, `FRI#L` of the weekday. */
  weekdays: readonly NthWeekday[];
  /** The field holds nothing but those. */
  onlyDays: boolean;
  onlyWeekdays: boolean;
  /** A day field begins with `*`: as in Vixie cron, a day must match both fields then. */
  needsBoth: boolean;
}

const ORDER = [FIELDS.second, FIELDS.minute, FIELDS.hour, FIELDS.day, FIELDS.month, FIELDS.weekday];

/**
 * Reads five fields, or six with seconds first, strictly: a name in a foreign field, names that are glued together, a step
 * that its field does not hold. Throws a {@link Refused} that says what to write. The cron package alone would guess.
 */
export function readCronText(source: string): CronText {
  const foreign = foreignForm(source);
  if (foreign) throw new Refused(foreign.message, foreign.next);
  const parts = source.split(/\s+/);
  if (parts.length < 5 || parts.length > 6) {
    const wrong = fieldCount(parts);
    throw new Refused(wrong.message, wrong.next);
  }
  const fields = parts.length === 5 ? ['0', ...parts] : parts;
  const place = { fields: parts, source };
  const days: DayOfMonthRule[] = [];
  const weekdays: NthWeekday[] = [];
  const plain = fields.map((text, at) => {
    const rule: FieldRule = ORDER[at]!;
    const items = text.split(',').flatMap((item) => {
      if (item === '')
        throw new Refused(`${rule.place} has a comma too many`, `write "${text.replace(/^,+|,+$|,(?=,)/g, '')}"`);
      const day = rule.name === 'day' ? readDayOfMonth(item) : undefined;
      const nth = rule.name === 'weekday' ? readNthWeekday(item) : undefined;
      if (day) days.push(day);
      if (nth) weekdays.push(nth);
      return day || nth ? [] : [readItem(item, rule, place)];
    });
    return items.join(',');
  });
  const needsBoth = [fields[3]!, fields[5]!].some((text) => text.startsWith('*'));
  const [onlyDays, onlyWeekdays] = [plain[3] === '', plain[5] === ''];
  return { plain: plain.map((text) => text || '*').join(' '), days, weekdays, onlyDays, onlyWeekdays, needsBoth };
}

interface Place {
  fields: readonly string[];
  source: string;
}

/** `*`, `5`, `9-17`, `22-2`, each with a step or without, in numbers; a range over the end becomes a list. */
function readItem(item: string, rule: FieldRule, place: Place): string {
  const match = /^([^/]+)(?:\/(.*))?$/.exec(item);
  if (!match) throw new Refused(`"${item}" names nothing in ${rule.place}`, exampleOf(rule));
  const [, base, stepText] = match;
  const step = stepText === undefined ? undefined : readStep(stepText, rule);
  if (base === '*') return step === undefined ? '*' : stepped(item, rule, step, rule.count, `*/${step}`);
  if (base === '?') return readAny(item, rule, step);
  const [low, high, ...more] = base!.split('-');
  if (more.length > 0 || high === '') throw new Refused(`"${item}" is no range`, exampleOf(rule));
  const from = readValue(low!, item, rule, place);
  if (high === undefined) {
    if (step === undefined) return String(from);
    return stepped(item, rule, step, rule.most - from + 1, `${from}-${lastOf(rule, from)}/${step}`);
  }
  const to = readValue(high, item, rule, place);
  const values = rangeOf(from, to, rule);
  const kept = values.filter((_, at) => at % (step ?? 1) === 0);
  return stepped(item, rule, step ?? 1, values.length, kept.join(','));
}

function lastOf({ name, most }: FieldRule, from: number): number {
  return name === 'weekday' && from < 7 ? 6 : most;
}

/**
 * The values of a range in their order; a range that goes down runs over the end of the field: `22-2` is 22, 23, 0,
 * 1, 2.
 */
function rangeOf(from: number, to: number, { name, least, most, count }: FieldRule): number[] {
  // Sunday as the end of a range is the one after Saturday; as its beginning it is the first day.
  const last = name === 'weekday' ? 6 : most;
  const end = name === 'weekday' && to === 7 && from < 7 ? 7 : to;
  const length = end >= from ? end - from + 1 : last - from + 1 + (end - least + 1);
  const values = Array.from({ length: Math.min(length, count + 1) }, (_, at) => least + ((from - least + at) % count));
  return [...new Set(values)];
}

function readStep(text: string, rule: FieldRule): number {
  const named = namedValue(text);
  if (named)
    throw new Refused(
      `"${text}" is a name, and a step is a number`,
      `write "*/${named.value || 7}", or "${text}" alone in its field`,
    );
  if (!/^\d{1,4}$/.test(text)) throw new Refused(`the step "${text}" in ${rule.place} is no number`, exampleOf(rule));
  if (Number(text) === 0)
    throw new Refused(`a step of zero in ${rule.place} never goes on`, `write "*" for every ${rule.name}`);
  return Number(text);
}

function stepped(item: string, rule: FieldRule, step: number, count: number, plain: string): string {
  if (step <= count) return plain;
  const units = { second: 's', minute: 'm', hour: 'h', day: 'd', month: undefined, weekday: undefined };
  const unit = units[rule.name];
  const every = unit ? `; "@every ${step}${unit}" has equal distances` : '';
  throw new Refused(
    `the step of "${item}" is greater than ${rule.place} holds (${count}), so it means the first value alone`,
    `write a step up to ${count}, or that value${every}`,
  );
}

function readAny(item: string, rule: FieldRule, step: number | undefined): string {
  if (rule.name !== 'day' && rule.name !== 'weekday')
    throw new Refused(`? stands for any day, not in ${rule.place}`, `write * for every ${rule.name}`);
  if (step !== undefined) throw new Refused(`"${item}" has a step, and ? has none`, `write "*/${step}"`);
  return '*';
}

function readValue(word: string, item: string, rule: FieldRule, place: Place): number {
  if (/^\d{1,4}$/.test(word)) {
    const value = Number(word);
    if (value >= rule.least && value <= rule.most) return value;
    throw new Refused(
      `${value} is out of range in ${rule.place}: ${rule.least} to ${rule.most}`,
      outOfRange(value, rule),
    );
  }
  const named = namedValue(word);
  if (named?.field === rule.name) return named.value;
  if (named) throw foreignName(word, named.field, item, rule, place);
  throw unreadable(word, item, rule);
}

function outOfRange(value: number, rule: FieldRule): string {
  if (value > 1_970) return 'a year is no field of a schedule: use `from` and `until`';
  if (value === 60 || value === 24) return `write 0 for the first ${rule.name}, or * for every one`;
  return exampleOf(rule);
}

function foreignName(
  word: string,
  field: 'month' | 'weekday',
  item: string,
  rule: FieldRule,
  { fields }: Place,
): Refused {
  const is = field === 'month' ? 'a month' : 'a weekday';
  const at = ORDER.slice(ORDER.length - fields.length).findIndex(({ name }) => name === rule.name);
  const own = ORDER.slice(ORDER.length - fields.length).findIndex(({ name }) => name === field);
  const isFree = fields[own] === '*' && fields[at] === item;
  const moved = fields.map((text, i) =>
    i === own ? item : i === at ? (at < own && at < fields.length - 3 ? '0' : '*') : text,
  );
  const next = isFree
    ? `did you mean "${moved.join(' ')}"? Fields are minute, hour, day of the month, month, weekday`
    : 'fields are minute, hour, day of the month, month, weekday';
  return new Refused(`"${word}" is ${is} and stands in ${rule.place}`, next);
}

/** Names that are glued together, words of other crons, slips. */
function unreadable(word: string, item: string, rule: FieldRule): Refused {
  if (/^l$/i.test(word) && rule.name === 'weekday')
    return new Refused(
      'L in the field of the weekday does not say which day is the last',
      'write FRI#L for the last Friday of the month',
    );
  if (/[LW#]/i.test(word) && /^(?:[LW]|\d{0,2}[LW]|L-?\d*|LW|WL|.*#.*)$/i.test(word)) {
    const place = rule.name === 'day' || rule.name === 'weekday' ? rule.place : `${rule.place}: it belongs to a day`;
    return new Refused(
      `"${item}" cannot be read in ${place}`,
      'days of the month take L, L-3, LW and 15W; weekdays MON#1 and FRI#L; each alone or in a list, without a range or a step',
    );
  }
  const names = word.toLowerCase().match(/[a-z]{3}|\d+/g) ?? [];
  const isGlued =
    names.length > 1 && names.join('') === word.toLowerCase() && names.every(isValue) && names.some(namedValue);
  if (isGlued) {
    const isOwn = names.every((name) => (namedValue(name)?.field ?? rule.name) === rule.name);
    const next = isOwn
      ? `did you mean "${names.join(',')}"?`
      : `write them apart, each in its field: ${ORDER.slice(1)
          .map(({ name }) => name)
          .join(', ')}`;
    return new Refused(`"${word}" is more than one value without a comma in ${rule.place}`, next);
  }
  const near = suggest(word.toLowerCase(), fieldNames(rule.name));
  return new Refused(
    `"${item}" cannot be read in ${rule.place}${near ? `, did you mean ${near}?` : ''}`,
    exampleOf(rule),
  );
}

const isValue = (text: string) => /^\d+$/.test(text) || namedValue(text) !== undefined;

function exampleOf(rule: FieldRule): string {
  const names =
    rule.name === 'month' ? ' or jan-dec' : rule.name === 'weekday' ? ' or sun-sat (Sunday is 0 and 7)' : '';
  return `write ${rule.least}-${rule.most}${names}, *, a list as 1,3, a range as 1-5, or a step as */2`;
}
