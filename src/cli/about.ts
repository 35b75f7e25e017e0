import type { Command } from 'commander';
import type { HelpView } from '../control/protocol.ts';

/** The help of the command that the words before `--help` name. */
export function helpView(program: Command, argv: readonly string[]): HelpView {
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
