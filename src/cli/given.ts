import { readFileSync } from 'node:fs';
import { BOUNDS, type Bounds, shown } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault, usage } from '../kernel/fault.ts';
import { isInstant } from '../kernel/instant.ts';
import { suggest } from '../kernel/suggest.ts';
import { readCountText, readLength } from '../kernel/units.ts';
import type { Stage } from './ports.ts';

/** The moment that the value of an option means, in epoch ms. */
export function timeOf(text: string, clock: Clock, { option, command }: { option: string; command: string }): number {
  const ms = parseWhen(text, clock);
  if (ms === undefined) throw usage(`${option} ${asTyped(text)} is no time`, `daruma ${command} ${option} 24h`);
  return ms;
}

/** A word that is allowed; `command` is what to type, up to the word. */
export function wordOf<Word extends string>(text: string, words: readonly Word[], what: string, command: string): Word {
  const found = words.find((word) => word === text);
  if (found) return found;
  const meant = suggest(text, words);
  const hint = meant ? `, did you mean ${meant}?` : `: ${words.join(', ')}`;
  throw usage(`${text} is no ${what}${hint}`, `${command} ${meant ?? words.at(-1)}`);
}

/** A whole number within bounds. */
export function numberOf(text: string, bounds: Bounds, name: string): number {
  const value = readCountText(text, bounds);
  if (typeof value === 'number') return value;
  const example = Math.max(bounds.least, Math.min(bounds.most, 20));
  throw usage(`${name} ${asTyped(text)} ${value}`, `${name} ${example}`);
}

/** A length of time as `30m`, in ms. */
export function durationOf(text: string, bounds: Bounds, name: string): number {
  const ms = readLength(text, bounds);
  if (typeof ms === 'number') return ms;
  throw usage(`${name} ${asTyped(text)} ${ms}`, `${name} 30m`);
}

/** A value in JSON: as it was typed, of the file behind `@`, or of stdin for `-`. Throws what Node and JSON.parse throw. */
export function readJson(text: string): unknown {
  if (text === '-') return JSON.parse(readFileSync(0, 'utf8'));
  return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text);
}

/** Throws `AGENT_UNKNOWN` when the host, or the last known state, has no such agent. */
export async function expectAgent(stage: Pick<Stage, 'askAnyway'>, name: string, what?: string): Promise<void> {
  const { value } = await stage.askAnyway('status', {});
  const names = value.agents.map((agent) => agent.name);
  if (!names.includes(name)) throw unknownAgent(name, names, what);
}

/** The fault for a name that does not exist. */
export function unknownAgent(name: string, names: string[], what = 'agent'): Fault {
  const meant = suggest(name, names);
  return new Fault({
    code: 'AGENT_UNKNOWN',
    message: `there is no ${what} ${name}${meant ? `, did you mean ${meant}?` : ''}`,
    next: meant ? `daruma status ${meant}` : 'daruma agents',
  });
}

/** The typed word for a message: short and on one line. */
function asTyped(text: string): string {
  return shown(text).replace(/^"|"$/g, '');
}

/** A time has no more letters than this. */
const LONGEST = 64;
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const TIME = String.raw`(\d{1,2}):(\d{2})(?::(\d{2}))?`;
const CLOCK_TIME = new RegExp(`^(?:([a-z]+)\\s+)?${TIME}$`, 'i');
const DATE_TIME = new RegExp(`^(\\d{4})-(\\d{2})-(\\d{2})(?:[ t]${TIME}(?:\\.\\d+)?)?$`, 'i');
const WITH_ZONE = /^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:z|[+-]\d{2}:?\d{2})$/i;

/**
 * The moment, in epoch ms, that people mean by `02:00`, `Sat 02:00`, `yesterday 02:00`, `2026-11-21 02:00`, `2026-11-21`,
 * an ISO 8601 time or a length of time ago (`24h`, `10m ago`). Without a date it is the latest such time that is not in
 * the future; without an offset it is in the clock's zone. Undefined for anything else.
 */
export function parseWhen(text: string, clock: Clock): number | undefined {
  const at = text.length > LONGEST ? undefined : momentOf(text, clock);
  return isInstant(at) ? at : undefined;
}

function momentOf(text: string, clock: Clock): number | undefined {
  const words = text.trim().replace(/\s+/g, ' ');
  const ago = readLength(words.replace(/ ago$/i, ''), BOUNDS.back);
  if (typeof ago === 'number') return clock.now - ago;
  if (/^now$/i.test(words)) return clock.now;
  if (WITH_ZONE.test(words)) {
    const ms = Date.parse(words);
    return Number.isNaN(ms) ? undefined : ms;
  }
  const date = DATE_TIME.exec(words);
  if (date) return onDate(date, clock);
  const time = CLOCK_TIME.exec(words);
  return time ? latest(time, clock) : undefined;
}

function onDate(match: RegExpExecArray, clock: Clock): number | undefined {
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  try {
    const fields = { year: year!, month: month!, day: day!, hour: hour!, minute: minute!, second: second! };
    return toMs(Temporal.PlainDateTime.from(fields, { overflow: 'reject' }), clock);
  } catch {
    return undefined;
  }
}

function latest(match: RegExpExecArray, clock: Clock): number | undefined {
  const [hour, minute, second] = match.slice(2).map((part) => Number(part ?? 0));
  if (hour! > 23 || minute! > 59 || second! > 59) return undefined;
  const today = Temporal.Instant.fromEpochMilliseconds(clock.now).toZonedDateTimeISO(clock.zone).toPlainDate();
  const back = daysBack(match[1]?.toLowerCase(), today);
  if (back === undefined) return undefined;
  const time = Temporal.PlainTime.from({ hour: hour!, minute: minute!, second: second! });
  const found = toMs(today.subtract({ days: back.days }).toPlainDateTime(time), clock);
  if (found <= clock.now || back.again === 0) return found;
  return toMs(today.subtract({ days: back.days + back.again }).toPlainDateTime(time), clock);
}

/**
 * Days before today that a word means, and days to add when that time is still to come; 0: the time stays in the
 * future.
 */
function daysBack(word: string | undefined, today: Temporal.PlainDate): { days: number; again: number } | undefined {
  if (word === undefined) return { days: 0, again: 1 };
  if (word === 'today') return { days: 0, again: 0 };
  if (word === 'yesterday') return { days: 1, again: 0 };
  const weekday = word.length < 3 ? -1 : WEEKDAYS.findIndex((day) => day.startsWith(word));
  return weekday < 0 ? undefined : { days: (today.dayOfWeek - 1 - weekday + 7) % 7, again: 7 };
}

/** An hour that the clocks skip is the one after it, an hour that comes twice is its first. */
function toMs(time: Temporal.PlainDateTime, clock: Clock): number {
  return time.toZonedDateTime(clock.zone, { disambiguation: 'compatible' }).epochMilliseconds;
}
