import type { CommandFenceView, FenceView } from '../../control/protocol.ts';
import { formatDuration } from '../../kernel/units.ts';

/** `full · Landlock 7, filter of system calls · 3 ms` */
export function fenceWords({ fence, landlock, seccomp, tookMs }: FenceView): string {
  const layers = [landlock > 0 ? `Landlock ${landlock}` : '', seccomp ? 'filter of system calls' : ''].filter(Boolean);
  const took = formatDuration(Math.max(1, Math.round(tookMs)));
  return [fence, layers.join(', ') || 'flags of Node', took].join(' · ');
}

const COMMANDS: Readonly<Record<CommandFenceView['fence'], string>> = {
  bwrap: 'in bubblewrap: namespaces of their own',
  kernel: "behind the kernel's fences",
  none: "NO fence: they do what the host's user may",
};

/** The fence of commands in words. */
export function commandFenceWords({ fence }: CommandFenceView): string {
  return COMMANDS[fence];
}
