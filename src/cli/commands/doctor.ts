import type { CommandResult, Stage } from '../ports.ts';
import { fenceWords, triedFacts } from '../text/fence.ts';
import { factLines } from '../text/width.ts';

/** Shows which fences hold on this machine, as a cell without an agent found them; exit code 3 when one that is offered does not. */
export async function doctorCommand(stage: Stage): Promise<CommandResult> {
  const fence = await stage.launcher.fence(stage.folder);
  const { paint, width } = stage;
  const style = fence.fence === 'full' ? 'green' : fence.fence === 'none' ? 'red' : 'yellow';
  const lines = [
    `fences  ${paint(style, fenceWords(fence))}`,
    ...factLines([...triedFacts(fence), ['threads', threadWords(fence)]], width),
    ...fence.missing.map((one) => `  ${paint('yellow', '!')} ${one}`),
  ];
  if (process.getuid?.() === 0) lines.push(`  ${paint('yellow', '!')} ${AS_ROOT}`);
  return { json: fence, lines, ...(fence.fence === 'none' ? { code: 3 } : {}) };
}

const AS_ROOT = 'you are root: what runs as root outside of a cell can read the environment of a host of root';

/** Threads that a process had before it shut itself in: only the filter reaches them. */
function threadWords({ landlock, seccomp }: { landlock: number; seccomp: boolean }): string {
  if (landlock === 0) return seccomp ? 'all of them behind the filter' : 'as Node holds them';
  return 'those that run JavaScript behind both, native code in the others behind the filter alone';
}
