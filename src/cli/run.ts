import { type Command, CommanderError } from 'commander';
import type { HelpView } from '../control/protocol.ts';
import { asTyped, jsonAsTyped, PLAIN, type Typed } from '../control/typed.ts';
import { Fault, type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { installationFolder } from './folder.ts';
import type { CommandResult, CommandRow, HostLauncher, Stage } from './ports.ts';
import { buildProgram, type GlobalOptions, version } from './program.ts';
import { createStage, exitCodeOf } from './stage.ts';
import { faultLines } from './text/fault.ts';
import { paintFor } from './text/paint.ts';
import { fitLine } from './text/width.ts';

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
      code = await runCommand(row, (stage) => run(stage, args, options as never), options, { launcher, typed });
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

async function runCommand(
  { outlivesReaders, anyFolder, isVerbatim }: CommandRow,
  run: (stage: Stage) => Promise<CommandResult | number>,
  options: GlobalOptions,
  { launcher, typed }: { launcher: HostLauncher; typed: Typed },
): Promise<number> {
  if (!outlivesReaders) endWithReaders();
  const folder = anyFolder ? process.cwd() : installationFolder(options.dir, process.cwd());
  const stage: Stage = createStage({ folder, json: options.json === true, launcher, typed });
  try {
    const said = await run(stage);
    if (typeof said === 'number') return said;
    if (stage.json) {
      stage.out(jsonAsTyped(said.json, typed, 2));
      return said.code ?? 0;
    }
    const lines = isVerbatim ? said.lines : said.lines.map((line) => asTyped(line, typed));
    for (const line of fitted(lines, stage)) stage.out(line, true);
    return said.code ?? 0;
  } finally {
    stage.close();
  }
}

/** A terminal breaks a long line inside a word, so lines are broken between words before; a pipe gets them whole. */
function fitted(lines: string[], { width }: Stage): string[] {
  const isForPeople = process.stdout.isTTY || process.env.COLUMNS !== undefined;
  return isForPeople ? lines.flatMap((line) => fitLine(line, width)) : lines;
}

function printFault(fault: PlainFault, { json, typed }: { json: boolean; typed: Typed }): number {
  endWithReaders();
  if (json) process.stdout.write(`${jsonAsTyped({ error: fault }, typed, 2)}\n`);
  else process.stderr.write(`${asTyped(faultLines(fault, paintFor(process.stderr)).join('\n'), typed)}\n`);
  const calls = fault.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  if (!json && calls.length > 0) process.stderr.write(`${asTyped(calls.join('\n'), typed)}\n`);
  return exitCodeOf(fault);
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

/** `daruma logs | head -1`: the reader has closed the pipe, which is no failure. */
function endWithReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listenerCount('error') > 0) continue;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      throw new Fault({ code: error.code ?? 'OUTPUT', message: `cannot write the output: ${error.message}` });
    });
  }
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
