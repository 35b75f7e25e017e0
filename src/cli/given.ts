import { Fault } from '../kernel/fault.ts';
import { suggest } from '../kernel/suggest.ts';
import { parseDuration } from '../kernel/units.ts';
import type { Clock } from './text/clock.ts';
import { usage } from './usage.ts';
import { parseWhen } from './when.ts';

/** What `--since` means, in epoch ms. */
export function sinceTime({ clock }: { clock: Clock }, text: string, command: string): number {
  const ms = parseWhen(text, clock);
  if (ms === undefined) throw usage(`--since ${text} is no time`, `daruma ${command} --since 24h`);
  return ms;
}

/** One of the words that are allowed; `command` is what to type, up to the word. */
export function wordOf<Word extends string>(text: string, words: readonly Word[], what: string, command: string): Word {
  const found = words.find((word) => word === text);
  if (found) return found;
  const meant = suggest(text, words);
  const hint = meant ? `, did you mean ${meant}?` : `: ${words.join(', ')}`;
  throw usage(`${text} is no ${what}${hint}`, `${command} ${meant ?? words.at(-1)}`);
}

/** A whole number within bounds. */
export function numberOf(
  text: string,
  { from, to = Number.MAX_SAFE_INTEGER }: { from: number; to?: number },
  name: string,
): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  const bounds = to === Number.MAX_SAFE_INTEGER ? `of ${from} or more` : `from ${from} to ${to}`;
  throw usage(`${name} ${text} is no whole number ${bounds}`, `${name} ${Math.max(from, Math.min(to, 20))}`);
}

/** A length of time as `30m`, in ms. */
export function durationOf(text: string, name: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw usage(`${name} ${text} is no length of time`, `${name} 30m`);
  return ms;
}

/** What is said of a name that is none. */
export function unknownAgent(name: string, names: string[], what = 'agent'): Fault {
  const meant = suggest(name, names);
  return new Fault({
    code: 'AGENT_UNKNOWN',
    message: `there is no ${what} ${name}${meant ? `, did you mean ${meant}?` : ''}`,
    next: meant ? `daruma status ${meant}` : 'daruma agents',
  });
}
