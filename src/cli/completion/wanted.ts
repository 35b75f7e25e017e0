import type { Command, Option } from 'commander';
import { LOG_LEVELS } from '../../kernel/log.ts';
import { OPERATION_OPTIONS } from '../operation-options.ts';
import type { OptionRow } from '../ports.ts';

/** Kinds of words that may stand at a place of the command line. */
type Wanted =
  | { is: 'words'; words: Completion[] }
  /** A name that only the installation knows. */
  | { is: 'name'; of: NameKind[] }
  | { is: 'files' }
  | { is: 'nothing' };

/** Kinds of names that an installation has. */
export type NameKind = 'agent' | 'plugin' | 'job' | 'dead' | 'incident' | 'cause' | 'backup' | 'topic' | 'version';

/** A word that may follow, and what it is. */
export interface Completion {
  word: string;
  about: string;
}

/** The kind of each argument, by its name in the help; other arguments are free. */
const KINDS: Record<string, NameKind[]> = {
  agent: ['agent'],
  'agent|job': ['agent', 'job'],
  cause: ['cause'],
  'id|agent': ['incident', 'agent'],
  incident: ['incident'],
  job: ['job'],
  plugin: ['plugin'],
  version: ['version'],
  a: ['version'],
  b: ['version'],
};
/** Of commands whose arguments have a narrower meaning than their names. */
const OF_COMMAND: Record<string, NameKind[]> = {
  'backup restore': ['backup'],
  'backup verify': ['backup'],
  'dlq drop': ['dead'],
  replay: ['dead'],
  test: ['plugin'],
};
const VALUES: Record<string, readonly string[]> = {
  'demo fault': ['leak', 'hang', 'crash', 'silence'],
  'level level': LOG_LEVELS,
  'report period': ['daily', 'weekly'],
  'completion shell': ['bash', 'zsh', 'fish'],
};
const OPTION_ROWS: readonly OptionRow[] = Object.values(OPERATION_OPTIONS).flatMap((options) =>
  Object.values<OptionRow>(options),
);
const OPTION_KINDS: Record<string, NameKind[]> = {
  '--agent': ['agent'],
  '--move-to': ['agent'],
  '--cause': ['cause'],
  '--job': ['job'],
  '--again': ['job'],
  '--topic': ['topic'],
  '--against': ['version'],
};
const FILE_OPTIONS = new Set(['--dir', '--file', '--out']);
const FILE_ARGUMENTS = new Set(['folder']);

/** Decides what fits behind the words before the cursor; `current` is the part of a word that is there already. */
export function wantedAt(program: Command, before: readonly string[], current: string): Wanted {
  let command = program;
  let path = '';
  let position = 0;
  let pending: Option | undefined;
  for (const word of before) {
    if (pending) {
      pending = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const option = optionsOf(command, program).find((one) => one.long === word || one.short === word);
      pending = option && (option.required || option.optional) && !word.includes('=') ? option : undefined;
      continue;
    }
    const below = position === 0 ? visible(command).find((one) => one.name() === word) : undefined;
    if (below) {
      command = below;
      path = `${path} ${word}`.trim();
    } else position++;
  }
  if (pending) return ofOption(pending);
  if (current.startsWith('-')) {
    const words = optionsOf(command, program).map((option) => ({
      word: option.long ?? option.flags,
      about: option.description,
    }));
    return { is: 'words', words };
  }
  const below = position === 0 ? visible(command) : [];
  if (below.length > 0)
    return { is: 'words', words: below.map((one) => ({ word: one.name(), about: one.description() })) };
  return ofArgument(command, path, position);
}

function ofOption({ long, flags, description }: Option): Wanted {
  const name = long ?? '';
  if (FILE_OPTIONS.has(name)) return { is: 'files' };
  const row = OPTION_ROWS.find((one) => one.flags === flags && one.about === description);
  if (row?.words) return wordsOf(row.is === 'words' ? [...row.words, 'all'] : row.words);
  return Object.hasOwn(OPTION_KINDS, name) ? { is: 'name', of: OPTION_KINDS[name]! } : { is: 'nothing' };
}

function ofArgument(command: Command, path: string, position: number): Wanted {
  const { registeredArguments } = command;
  const argument = registeredArguments[position] ?? registeredArguments.findLast((one) => one.variadic);
  if (!argument) return { is: 'nothing' };
  const name = argument.name();
  const place = `${path} ${name}`;
  if (Object.hasOwn(VALUES, place)) return wordsOf(VALUES[place]!);
  if (position === 0 && Object.hasOwn(OF_COMMAND, path)) return { is: 'name', of: OF_COMMAND[path]! };
  if (FILE_ARGUMENTS.has(name)) return { is: 'files' };
  return Object.hasOwn(KINDS, name) ? { is: 'name', of: KINDS[name]! } : { is: 'nothing' };
}

function wordsOf(words: readonly string[]): Wanted {
  return { is: 'words', words: words.map((word) => ({ word, about: '' })) };
}

function visible(command: Command): Command[] {
  return command.commands.filter((one) => !(one as Command & { _hidden?: boolean })._hidden);
}

function optionsOf(command: Command, program: Command): Option[] {
  return command === program ? [...program.options] : [...command.options, ...program.options];
}
