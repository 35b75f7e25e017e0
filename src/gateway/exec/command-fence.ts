import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { landlockOffered } from '../../fence/status.ts';
import { Fault } from '../../kernel/fault.ts';
import { bwrapArguments } from './bwrap-arguments.ts';
import type { OrderFence } from './order-fence.ts';
import type { CommandFence, CommandFenceMode } from './ports.ts';

/** Folders in which the host looks for bubblewrap, whatever its own PATH says. */
const BWRAP_PATHS = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'];
const TRIED_WITHIN_MS = 10_000;
/** Landlock's version that tells signals to others from those of a command's own processes. */
const SIGNALS_LANDLOCK = 6;
const NOTHING_GRANTED: OrderFence = {
  ...{ is: 'bwrap', program: '', read: [], write: [], hidden: [], links: [], network: null, temporary: '' },
};

/** Finds the fence for commands; bubblewrap is tried, not only looked for. Throws a Fault where `bwrap` is set and does not work. */
export async function findCommandFence(mode: CommandFenceMode): Promise<CommandFence> {
  if (mode === 'none')
    return { fence: 'none', program: '', missing: ['exec.fence: none lets commands do what the host’s user may'] };
  const { program, problem } = await findBwrap();
  if (program) return { fence: 'bwrap', program, missing: [] };
  if (mode === 'bwrap') throw new Fault(unusable(problem));
  const landlock = landlockOffered();
  if (landlock === 0)
    return { fence: 'none', program: '', missing: [problem, 'this kernel offers no Landlock, or Node cannot call it'] };
  const missing = [
    `${problem}: the kernel’s own fences hold commands, which see no /proc and no /tmp but their own $TMPDIR`,
  ];
  if (landlock < SIGNALS_LANDLOCK)
    missing.push('signals: to all processes of the host’s user (Landlock 6 is Linux 6.12)');
  return { fence: 'kernel', program: '', missing };
}

/** The path of a bubblewrap in which a trial command ran; else an empty path, and why there is none. */
async function findBwrap(): Promise<{ program: string; problem: string }> {
  const problems: string[] = [];
  for (const path of BWRAP_PATHS) {
    try {
      await promisify(execFile)(path, [...bwrapArguments(NOTHING_GRANTED), '--', '/bin/sh', '-c', ':'], {
        ...{ env: {}, cwd: '/', timeout: TRIED_WITHIN_MS },
      });
      return { program: path, problem: '' };
    } catch (error) {
      const { code, stderr } = error as { code?: unknown; stderr?: string };
      if (code !== 'ENOENT')
        problems.push(`${path} does not work: ${stderr?.trim().split('\n').at(-1) || String(code)}`);
    }
  }
  return { program: '', problem: problems[0] ?? 'bubblewrap is not installed' };
}

function unusable(problem: string) {
  return {
    code: 'EXEC_FENCE_MISSING',
    message: `exec.fence: bwrap, and ${problem}`,
    next: 'install it (apt-get install bubblewrap, dnf install bubblewrap) and let the host’s user make namespaces, or set exec.fence: auto',
    file: 'config/daruma.yaml',
  };
}
