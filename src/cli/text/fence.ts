import type { CommandFenceView, FenceView } from '../../control/protocol.ts';
import { formatDuration } from '../../kernel/units.ts';

type Tries = FenceView['tried'];

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

const TRIES: readonly [keyof Tries, string][] = [
  ['files', 'a file outside'],
  ['network', 'a socket, where no host is among its needs'],
  ['unixSockets', 'a unix socket'],
  ['signals', 'a signal to the host'],
  ['commands', 'a program'],
];
const ANSWERS: Readonly<Record<Tries[keyof Tries], string>> = {
  kernel: 'refused by the kernel',
  node: 'refused by Node alone',
  granted: 'granted',
  open: 'NOT refused',
};

const NAMES: Readonly<Record<keyof Tries, string>> = {
  files: 'files',
  network: 'network',
  unixSockets: 'sockets',
  signals: 'signals',
  commands: 'programs',
};

/** The fences that a cell tried, a fact each. */
export function triedFacts({ tried }: FenceView): [string, string][] {
  return TRIES.map(([what, words]) => [NAMES[what], `${words}: ${ANSWERS[tried[what]]}`]);
}
