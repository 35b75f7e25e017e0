import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import { authoritiesOfCommands } from '../../fence/authorities.ts';
import { shown } from '../../kernel/bounds.ts';
import { grantedCommand, grantText, takesArguments } from '../../kernel/command-grant.ts';
import { Fault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { isAtOrBelow } from '../../kernel/paths.ts';
import { realOf } from '../../kernel/real-path.ts';
import { isOpenBelow, type OrderFence, orderFence } from './order-fence.ts';
import type { CommandFence, ExecOrder } from './ports.ts';
import type { BrokerOrder } from './wire.ts';

/** Folders in which the host looks up names of commands, in this order, whatever its own PATH says; commands get the same PATH. */
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * The absolute path of a command that an agent asks for, when its needs grant it. A granted name stands for the program
 * that is found under it now: `git` grants `/usr/bin/git` where that is found first, not another file called git.
 *
 * Throws a Fault `NOT_IN_NEEDS` or `EXEC_NOT_FOUND`.
 */
export async function findCommand(order: Pick<ExecOrder, 'command' | 'args' | 'agent' | 'needs'>): Promise<string> {
  const { command, agent, needs } = order;
  const fitting = needs.exec.filter((one) => takesArguments(one, order.args));
  const asked = { command, agent, grants: fitting.map(grantedCommand) };
  if (fitting.length === needs.exec.length) return pathOf(asked);
  try {
    return await pathOf(asked);
  } catch (thrown) {
    // The agent may run the command with other arguments: the path is looked up only to tell the two refusals apart.
    await pathOf({ command, agent, grants: needs.exec.map(grantedCommand) });
    throw thrown instanceof Fault && thrown.code === 'NOT_IN_NEEDS' ? otherArguments(order) : thrown;
  }
}

async function pathOf({ command, agent, grants }: { command: string; agent: string; grants: readonly string[] }) {
  const { name, path } = readCommand(command);
  if (path === undefined) {
    const granted = grants.find((one) => one === '*' || one === name || posix.basename(one) === name);
    if (granted === undefined) throw notGranted(command, agent);
    const found = granted.startsWith('/') ? await executable(granted) : await lookUp(name);
    if (!found) throw notFound(command, granted.startsWith('/') ? [granted] : FOLDERS);
    return found;
  }
  const isGranted =
    grants.includes('*') ||
    grants.some((one) => one.startsWith('/') && posix.normalize(one) === path) ||
    (grants.includes(name) && (await lookUp(name)) === path);
  if (!isGranted) throw notGranted(command, agent);
  if (!(await executable(path))) throw notFound(command, [path]);
  return path;
}

function readCommand(command: string): { name: string; path: string | undefined } {
  if (!command.includes('/')) return { name: command, path: undefined };
  if (!command.startsWith('/')) {
    const message = `${command} is neither the name of a command nor an absolute path`;
    throw new Fault({ code: 'CALL_INVALID', message, next: 'give the name alone, or the whole path' });
  }
  const path = posix.normalize(command);
  return { name: posix.basename(path), path };
}

async function lookUp(name: string): Promise<string | undefined> {
  if (name === '' || name === '.' || name === '..') return undefined;
  for (const folder of FOLDERS) {
    const found = await executable(`${folder}/${name}`);
    if (found) return found;
  }
  return undefined;
}

async function executable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}

function notGranted(command: string, agent: string): Fault {
  const name = command.startsWith('/') ? command : posix.basename(command);
  return new Fault(notInNeeds({ agent, need: 'exec', asked: name }));
}

function otherArguments({
  command,
  args,
  agent,
  needs,
}: Pick<ExecOrder, 'command' | 'args' | 'agent' | 'needs'>): Fault {
  const name = posix.basename(command);
  const ways = needs.exec.filter((one) => posix.basename(grantedCommand(one)) === name).map(grantText);
  const message = `agent ${agent} may run ${ways.map((way) => `"${way}"`).join(' or ')}, not ${shown([name, ...args].join(' '))}`;
  return new Fault(notInNeeds({ agent, need: 'exec', asked: name, message }));
}

function notFound(command: string, places: string[]): Fault {
  return new Fault({
    code: 'EXEC_NOT_FOUND',
    message: `${command} is not installed: nothing that can be run is at ${places.join(', ')}`,
    next: places.length > 1 ? 'install it, or name its absolute path in needs.exec and in the call' : 'install it',
  });
}

/** Variables of the host's environment that commands get; none is a secret. */
const PASSED_ON = ['HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
const DEFAULT_OUTPUT_BYTES = MB;

/** The order for the broker; throws a Fault for a folder that the agent was not granted. */
export function orderFor(
  order: ExecOrder,
  path: string,
  terms: {
    folder: string;
    scratch: string;
    env: NodeJS.ProcessEnv;
    fence: CommandFence;
    hidden: readonly string[];
  },
): BrokerOrder {
  const { folder, scratch, fence: worn } = terms;
  const [work, temporary] = [join(scratch, 'work'), join(scratch, 'tmp')];
  const fence =
    worn.fence === 'none'
      ? null
      : orderFence({ is: worn.fence, program: worn.program }, order, path, {
          ...{ ...terms, work, temporary },
          authorities: Object.values(authoritiesOfCommands(terms.env)),
        });
  return {
    path,
    args: order.args,
    env: { ...plainEnv(terms.env), ...(fence ? ownFolders(fence, work, terms.env) : {}), ...order.env },
    cwd: order.cwd === undefined ? work : folderIn(order, order.cwd, folder),
    makes: fence ? [work, temporary] : [work],
    fence,
    input: order.input ?? null,
    timeoutMs: order.timeoutMs ?? null,
    maxOutputBytes: order.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES,
  };
}

/** Folders that a command behind a fence can use. */
function ownFolders(fence: OrderFence, work: string, { HOME }: NodeJS.ProcessEnv): Record<string, string> {
  const home = HOME !== undefined && isOpenBelow(HOME, fence) ? HOME : work;
  return { HOME: home, TMPDIR: fence.is === 'bwrap' ? '/tmp' : fence.temporary };
}

function plainEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const plain: Record<string, string> = { PATH: FOLDERS.join(':') };
  for (const name of PASSED_ON) {
    const value = env[name];
    if (value !== undefined) plain[name] = value;
  }
  return { ...plain, ...authoritiesOfCommands(env) };
}

function folderIn({ agent, needs }: ExecOrder, asked: string, folder: string): string {
  const named = resolve(folder, asked);
  // A link in a granted folder leads where it leads: the command gets no more than the plugin was given by name.
  const cwd = realOf(named);
  const granted = [...needs.read, ...needs.write].map((path) => realOf(resolve(folder, path)));
  if (granted.some((one) => isAtOrBelow(cwd, one))) return cwd;
  const leads = cwd === named ? '' : `, which is ${cwd}`;
  const message = `agent ${agent} may not run a command in ${named}${leads}: it is not among what it may read or write`;
  throw new Fault(notInNeeds({ agent, need: 'read', asked, message }));
}
