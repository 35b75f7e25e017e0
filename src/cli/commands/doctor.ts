import type { CommandFenceView } from '../../control/protocol.ts';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { commandFenceWords, fenceWords, triedFacts } from '../text/fence.ts';
import { factLines } from '../text/width.ts';

/** Shows which fences hold on this machine, as a cell without an agent found them; exit code 3 when one that is offered does not. */
export async function doctorCommand(stage: Stage): Promise<CommandResult> {
  const { launcher, folder } = stage;
  const [fence, commands] = await Promise.all([launcher.fence(folder), launcher.commandFence(folder).catch(plainOf)]);
  const { paint, width } = stage;
  const style = fence.fence === 'full' ? 'green' : fence.fence === 'none' ? 'red' : 'yellow';
  const lines = [
    `fences  ${paint(style, fenceWords(fence))}`,
    ...factLines([...triedFacts(fence), ['threads', threadWords(fence)]], width),
    ...commandLines(commands, stage),
    ...fence.missing.map((one) => `  ${paint('yellow', '!')} ${one}`),
  ];
  if (process.getuid?.() === 0) lines.push(`  ${paint('yellow', '!')} ${AS_ROOT}`);
  const isBad = fence.fence === 'none' || 'code' in commands;
  return { json: { ...fence, commands: 'code' in commands ? null : commands }, lines, ...(isBad ? { code: 3 } : {}) };
}

const plainOf = (error: unknown) => toPlainFault(error);

function commandLines(commands: CommandFenceView | PlainFault, { paint, width }: Stage): string[] {
  if ('code' in commands) {
    const words = [commands.message, commands.next].filter(Boolean).join(' → ');
    return [`commands  ${paint('red', words)}`];
  }
  const warnings = commands.missing.map((one) => `  ${paint('yellow', '!')} ${one}`);
  return [...factLines([['commands', commandFenceWords(commands)]], width), ...warnings];
}

const AS_ROOT = 'you are root: what runs as root outside of a fence can read the environment of a host of root';

/** Threads that a process had before it shut itself in: only the filter reaches them. */
function threadWords({ landlock, seccomp }: { landlock: number; seccomp: boolean }): string {
  if (landlock === 0) return seccomp ? 'all of them behind the filter' : 'as Node holds them';
  return 'those that run JavaScript behind both, native code in the others behind the filter alone';
}
