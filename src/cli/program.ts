import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { packageFile } from '../kernel/paths.ts';
import { ACT, OBSERVE } from './agent-commands.ts';
import { EXAMPLES } from './examples.ts';
import { BUILD, HOST } from './host-commands.ts';
import type { CommandRow, GlobalOptions, Words } from './ports.ts';
import { outputWidth } from './text/width.ts';

type Runner = (row: CommandRow, args: Words, options: GlobalOptions) => Promise<void>;

/** The commands by the titles of the help. */
const GROUPS: Readonly<Record<string, readonly CommandRow[]>> = {
  Observe: OBSERVE,
  Act: ACT,
  Build: BUILD,
  Host: HOST,
};

/**
 * The whole command line. `runner` loads the file of a command when it is run, and nothing before. `quiet`: commander
 * writes no help; `print` writes it (default: stdout).
 */
export function buildProgram(runner: Runner, quiet = false, print?: (text: string) => void): Command {
  const writeOut = quiet ? () => {} : print;
  const program = new Command('daruma')
    .description('A lights-out runtime for agent plugins.')
    .option(
      '--dir <folder>',
      'the installation (default: the nearest folder above with plugins/ or config/daruma.yaml)',
    )
    .option('--json', 'one JSON value on stdout and nothing else')
    .version(version(), '-V, --version')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: () => {}, ...(writeOut ? { writeOut } : {}) })
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: outputWidth(process.stdout, process.env),
      subcommandTerm: termOf,
    })
    .addHelpText('after', `\n${EXIT_CODES}\n${HELP_OF_ONE}`);
  for (const [title, rows] of Object.entries(GROUPS)) {
    program.commandsGroup(title);
    for (const row of rows) add(program, row, runner);
  }
  // Made last, the command of the help stands in the last group, and not in one of its own.
  return program.helpCommand('help [command]', 'the help of a command, as --help');
}

const EXIT_CODES = 'Exit codes: 0 fine, 1 it failed, 2 wrong usage, 3 something needs you, 4 no host running';
const HELP_OF_ONE = 'daruma status --help shows the options of a command, with examples.';

/** `jobs [agent|job]`: that a command has options is known of every command. */
function termOf(command: Command): string {
  const words = command.registeredArguments.map((one) => {
    const name = one.variadic ? `${one.name()}...` : one.name();
    return one.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(' ');
}

/** The words of a command, as `dlq show`. */
function wordsOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${parent.name()} ${command.name()}` : command.name();
}

function add(under: Command, row: CommandRow, runner: Runner): void {
  const { usage, about, options = [], own = [], run, below = [], isHidden = false } = row;
  const command = under.command(usage, { hidden: isHidden }).description(about);
  for (const { flags, about: words, default: byDefault, repeats } of [...options, ...own]) {
    if (repeats) command.option(flags, words, collect);
    else command.addOption(new Option(flags, words).default(asText(byDefault), asText(byDefault)));
  }
  const examples = EXAMPLES[wordsOf(command)] ?? [];
  if (examples.length > 0)
    command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
  if (run) command.action(() => runner(row, command.processedArgs.flat(), command.optsWithGlobals()));
  for (const one of below) add(command, one, runner);
}

function asText(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** The version of the package that runs. */
export function version(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
}
