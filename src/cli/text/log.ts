import type { LogLine } from '../../control/protocol.ts';
import { clockTime, dayOf, localTimes } from '../../kernel/clock.ts';
import { locationOf, type PlainFault } from '../../kernel/fault.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { Style } from './paint.ts';
import type { Look } from './status.ts';
import { cut, pad } from './width.ts';

/** Keys that a line of the log always has; all other keys are data. */
const FACTS = new Set(['time', 'at', 'level', 'msg', 'agent', 'job', 'worker', 'room', 'data', 'pid', 'hostname', 'v']);
/** Keys that the message repeats, or that stand below it. */
const HIDDEN = new Set(['stack', 'event']);
const STYLES: Record<string, Style> = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red' };
const LONGEST_VALUE = 160;

/** When it was written, by the plugin's own clock for a plugin's line; epoch ms. */
export function logTime(line: LogLine): number {
  return Date.parse(typeof line.at === 'string' ? line.at : line.time);
}

/**
 * `11:39:58.120 w4 job-a01 INFO fetched 212 items ms=310`, and below it the stack, where the line has one. `agent`:
 * shows the name of the agent, for lines of several agents; `job`: shows the job. `before` is the time of the line
 * before: a new day gets a line of its own.
 */
export function logLines(
  line: LogLine,
  look: Look,
  options: { agent: boolean; job: boolean; before?: number },
): string[] {
  const { paint, clock } = look;
  const ms = logTime(line);
  const lines: string[] = [];
  if (
    options.before === undefined
      ? dayOf(ms, clock) !== dayOf(clock.now, clock)
      : dayOf(ms, clock) !== dayOf(options.before, clock)
  ) {
    lines.push(paint('dim', `──────── ${dayOf(ms, clock)} ────────`));
  }
  const style = Object.hasOwn(STYLES, line.level) ? STYLES[line.level]! : 'cyan';
  const who = [
    options.agent ? (line.agent ?? (typeof line.room === 'string' ? line.room : undefined)) : undefined,
    line.worker,
    options.job ? line.job : undefined,
  ].filter((part) => part !== undefined);
  const data = dataWords(line);
  lines.push(
    [
      paint('dim', clockTime(ms, clock, true)),
      ...who.map((part) => paint('cyan', oneLine(part))),
      paint(style, pad(line.level.toUpperCase(), 5)),
      // A plugin's words are its own.
      oneLine(line.worker === undefined ? localTimes(line.msg, clock) : line.msg) +
        (data ? `  ${paint('dim', data)}` : ''),
    ].join(' '),
  );
  lines.push(...belowOf(line).map((one) => `    ${paint('dim', oneLine(one))}`));
  return lines;
}

/** `ms=310 url="a b"`: the data of a line, the agent's and the host's. */
function dataWords(line: LogLine): string {
  return fieldsOf(line)
    .filter(([name, value]) => !HIDDEN.has(name) && value !== undefined)
    .map(([name, value]) => `${oneLine(name)}=${isFault(value) ? faultWord(value, line.msg) : valueWord(value)}`)
    .join(' ');
}

function fieldsOf(line: LogLine): [string, unknown][] {
  const own = typeof line.data === 'object' && line.data !== null ? line.data : {};
  return [...Object.entries(line).filter(([name]) => !FACTS.has(name)), ...Object.entries(own)];
}

function isFault(value: unknown): value is PlainFault {
  const { code, message } = (value ?? {}) as Partial<PlainFault>;
  return typeof code === 'string' && typeof message === 'string';
}

/** The code of a fault, and its message only when the line does not say it already. The rest stands below. */
function faultWord(fault: PlainFault, said: string): string {
  return said.includes(fault.message) ? oneLine(fault.code) : valueWord(`${fault.code}: ${fault.message}`);
}

function valueWord(value: unknown): string {
  const text =
    typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : (JSON.stringify(withoutStack(value)) ?? '');
  return cut(oneLine(text), LONGEST_VALUE);
}

function withoutStack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('stack' in value)) return value;
  const { stack: _stack, ...rest } = value as Record<string, unknown>;
  return rest;
}

/** The place and the next step of a failure that the line carries, and the calls of its stack, at most eight. */
function belowOf(line: LogLine): string[] {
  const values = [line, line.data, ...fieldsOf(line).map(([, value]) => value)];
  const lines: string[] = [];
  const fault = values.find(isFault);
  if (fault) {
    const place = locationOf(fault);
    if (place && !line.msg.includes(place)) lines.push(`at ${place}`);
    if (fault.next) lines.push(`→ ${fault.next}`);
  }
  const stack = values
    .map((value) => (value as { stack?: unknown } | null | undefined)?.stack)
    .find((one) => typeof one === 'string');
  const calls = stack?.split('\n').filter((one) => /^\s+at /.test(one)) ?? [];
  return [...lines, ...calls.slice(0, 8).map((one) => one.trim())];
}
