import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { packageFile } from '../kernel/paths.ts';
import { ACT, OBSERVE } from './agent-commands.ts';
import { BUILD, HOST } from './host-commands.ts';
import type { CommandRow, Words } from './ports.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  dir?: string;
  json?: boolean;
}

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
 * writes no help.
 */
export function buildProgram(runner: Runner, quiet = false): Command {
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
    .configureOutput({ outputError: () => {}, ...(quiet ? { writeOut: () => {} } : {}) })
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nExit codes: 0 fine, 1 it failed, 2 wrong usage, 3 something needs you, 4 no host running');
  for (const [title, rows] of Object.entries(GROUPS)) {
    program.commandsGroup(title);
    for (const row of rows) add(program, row, runner);
  }
  return program;
}

function add(under: Command, row: CommandRow, runner: Runner): void {
  const { usage, about, options = [], own = [], run, below = [], isHidden = false } = row;
  const command = under.command(usage, { hidden: isHidden }).description(about);
  for (const { flags, about: words, default: byDefault, repeats } of [...options, ...own]) {
    if (repeats) command.option(flags, words, collect);
    else command.option(flags, words, byDefault === undefined ? undefined : String(byDefault));
  }
  if (run) command.action(() => runner(row, command.processedArgs.flat(), command.optsWithGlobals()));
  for (const one of below) add(command, one, runner);
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** The version of the package that runs. */
export function version(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
}
