/** An entry of `needs.exec`: a command with whatever arguments, or with those that fit a list. */
export type CommandGrant = string | { command: string; args: string[] };

/** `*`: any argument; at the end of a list any number of arguments, also none. */
const ANY = '*';

/** The name or path that an entry grants; `*`: all commands. */
export function grantedCommand(grant: CommandGrant): string {
  return typeof grant === 'string' ? grant : grant.command;
}

/** Whether the entry lets its command run with these arguments. */
export function takesArguments(grant: CommandGrant, args: readonly string[]): boolean {
  if (typeof grant === 'string') return true;
  const isOpen = grant.args.at(-1) === ANY;
  const fixed = isOpen ? grant.args.slice(0, -1) : grant.args;
  const isLong = isOpen ? args.length >= fixed.length : args.length === fixed.length;
  return isLong && fixed.every((one, at) => one === ANY || one === args[at]);
}

/** Whether everything that `asked` lets run may be run by `granted`. */
export function grantCovers(granted: CommandGrant, asked: CommandGrant): boolean {
  const command = grantedCommand(granted);
  if (command !== grantedCommand(asked) && command !== ANY) return false;
  if (typeof granted === 'string') return true;
  if (typeof asked === 'string') return false;
  // A grant with an open end is no narrower than one without: the open end counts as one more argument.
  const isOpen = asked.args.at(-1) === ANY;
  if (isOpen && granted.args.at(-1) !== ANY) return false;
  return takesArguments(granted, isOpen ? asked.args.slice(0, -1) : asked.args);
}

/** The grant as people read it: `git log *`. */
export function grantText(grant: CommandGrant): string {
  return typeof grant === 'string' ? grant : [grant.command, ...grant.args].join(' ');
}
