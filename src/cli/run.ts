import { type Command, CommanderError } from 'commander';
import type { HelpView } from '../control/protocol.ts';
import { asTyped, PLAIN, type Typed } from '../control/typed.ts';
import { Fault, type PlainFault, toPlainFault } from '../kernel/fault.ts';
import type { HostLauncher } from './ports.ts';
import { buildProgram, version } from './program.ts';
import { endWithReaders, printFault, runRow } from './run-row.ts';

/**
 * Does what the arguments ask for and resolves with the exit code. stdout gets the result, stderr the rest; commands in
 * what people read are written as `typed` says.
 */
export async function runCli(argv: string[], launcher: HostLauncher, typed: Typed = PLAIN): Promise<number> {
  const json = argv.includes('--json');
  let code = 0;
  const printHelp = (text: string) => {
    endWithReaders();
    process.stdout.write(asTyped(text, typed));
  };
  const program = buildProgram(
    async (row, args, options) => {
      const run = await row.run!(program);
      code = await runRow(row, (stage) => run(stage, args, options as never), options, { launcher, typed });
    },
    json,
    printHelp,
  );
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      if (thrown.exitCode === 0) {
        const about = thrown.code === 'commander.version' ? aboutThis() : helpView(program, argv);
        if (json) process.stdout.write(`${JSON.stringify(about, null, 2)}\n`);
        return 0;
      }
      // When no command was given, the help has been written to stderr already.
      if (thrown.code === 'commander.help') return 2;
      return printFault(usageFault(thrown, program), { json, typed });
    }
    const { stack, ...fault } = toPlainFault(thrown);
    // A failure that is not in our own words is a mistake of ours: its stack is what a report needs.
    return printFault(thrown instanceof Fault || !stack ? fault : { ...fault, stack }, { json, typed });
  }
}

/** The value of `--version --json`. */
function aboutThis() {
  return { version: version(), node: process.versions.node };
}

function usageFault(thrown: CommanderError, program: Command): PlainFault {
  const { args } = program;
  const [message, hint] = thrown.message.replace(/^error: /, '').split('\n');
  const meant = /Did you mean (.*)\?/.exec(hint ?? '')?.[1];
  // Of a word below another command, the help of that command has the right ones.
  const isFirst = thrown.code === 'commander.unknownCommand' && !program.commands.some((one) => one.name() === args[0]);
  const command = isFirst ? '' : `${args[0] ?? ''} `;
  const next = `daruma ${command}--help`;
  return { code: 'USAGE', message: meant ? `${message}, did you mean ${meant}?` : message!, next };
}

/** The help of the command that the words before `--help` name. */
function helpView(program: Command, argv: readonly string[]): HelpView {
  let command = program;
  for (const word of argv) {
    const below = command.commands.find((one) => one.name() === word);
    if (below) command = below;
  }
  const names: string[] = [];
  for (let one: Command | null = command; one; one = one.parent) names.unshift(one.name());
  const own = command === program ? [] : program.options;
  return {
    usage: `${names.join(' ')} ${command.usage()}`,
    about: command.description(),
    options: [...command.options, ...own].map(({ flags, description }) => ({ flags, about: description })),
    commands: command.commands
      .filter((one) => !(one as Command & { _hidden?: boolean })._hidden)
      .map((one) => ({ name: one.name(), about: one.description() })),
  };
}
