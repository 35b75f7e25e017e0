import type { Ops } from '../control/protocol.ts';
import type { Clock } from '../kernel/clock.ts';
import { isoOf } from '../kernel/instant.ts';
import { durationOf, numberOf, timeOf, wordOf } from './given.ts';
import { OPERATION_OPTIONS } from './operation-options.ts';
import type { OptionRow } from './ports.ts';

/** An operation whose arguments are options of a command. */
type OpWithOptions = keyof typeof OPERATION_OPTIONS;

/** Values of options by their names, as commander hands them over. */
export type Given = Readonly<Record<string, unknown>>;

/**
 * The arguments of an operation that the options of a command give, each read and checked; an option that is not given is left out,
 * and JSON stays as it was typed. Throws USAGE with an example of `command`.
 */
export function argumentsOf<O extends OpWithOptions>(
  op: O,
  given: Given,
  { clock, command }: { clock: Clock; command: string },
): Pick<Ops[O]['args'], keyof (typeof OPERATION_OPTIONS)[O] & keyof Ops[O]['args']> {
  const args: Record<string, unknown> = {};
  for (const [name, row] of Object.entries<OptionRow>(OPERATION_OPTIONS[op])) {
    const said = given[nameOf(row)];
    if (said !== undefined)
      args[name] = typeof said === 'boolean' ? said : valueOfOption(String(said), row, clock, command);
  }
  return args as never;
}

function valueOfOption(text: string, row: OptionRow, clock: Clock, command: string): unknown {
  const { is, words = [], least = 0, most = 0 } = row;
  const long = longOf(row);
  switch (is) {
    case 'count':
      return numberOf(text, { least, most }, long);
    case 'length':
      return durationOf(text, { least, most }, long);
    case 'time':
      return isoOf(timeOf(text, clock, { option: long, command }));
    case 'word':
      return wordOf(text, words, long.slice(2), `daruma ${command} ${long}`);
    case 'words': {
      const all = text
        .split(',')
        .map((one) => wordOf(one.trim(), [...words, 'all'], long.slice(2), `daruma ${command} ${long}`));
      return [...new Set(all.flatMap((one) => (one === 'all' ? words : [one])))];
    }
    default:
      return text;
  }
}

/** `--dry-run`. */
function longOf({ flags }: OptionRow): string {
  return /--[a-z-]+/.exec(flags)![0];
}

/** `dryRun`, as commander names it. */
function nameOf(row: OptionRow): string {
  return longOf(row)
    .slice(2)
    .replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
