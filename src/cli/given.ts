import { type Bounds, shown } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { suggest } from '../kernel/suggest.ts';
import { readCountText, readLength } from '../kernel/units.ts';
import type { Clock } from './text/clock.ts';
import { usage } from './usage.ts';
import { parseWhen } from './when.ts';

/** The moment that `--since` means, in epoch ms. */
export function sinceTime({ clock }: { clock: Clock }, text: string, command: string): number {
  const ms = parseWhen(text, clock);
  if (ms === undefined) throw usage(`--since ${asTyped(text)} is no time`, `daruma ${command} --since 24h`);
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
