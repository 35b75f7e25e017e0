import { dirname, posix, resolve } from 'node:path';
import { isAtOrBelow } from '../../kernel/paths.ts';
import { realOf } from '../../kernel/real-path.ts';
import type { CommandFenceKind, ExecNetwork, ExecOrder } from './ports.ts';

/** The paths and ports that the fence of one command leaves open. Paths are absolute and without links. */
export interface OrderFence {
  is: Exclude<CommandFenceKind, 'none'>;
  /** The path of bubblewrap; empty for the kernel's fences. */
  program: string;
  read: string[];
  write: string[];
  /** Paths that stay closed inside of folders that are open, unless the needs name them. */
  hidden: string[];
  /** Links by which the needs name what is open: where they lie, and where they lead. */
  links: [from: string, to: string][];
  network: ExecNetwork | null;
  /** The folder that is the command's `/tmp`. */
  temporary: string;
}

/** Folders with the system's programs and what those read; a command may read all of them. */
export const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/nix/store'];

/** The places of an installation and of an attempt, for a fence. */
interface FencePlaces {
  /** The installation. */
  folder: string;
  /** The scratch folder of the attempt, and the folder that is its `/tmp`. */
  work: string;
  temporary: string;
  /** Paths that only the host reads: secrets, the store, the control socket. */
  hidden: readonly string[];
  /** Files and folders of certificate authorities that the host's environment names: no secrets, and of use only where they can be read. */
  authorities: readonly string[];
}

/** The fence of a command, which leaves open the agent's needs, the scratch folder, and the program where that is none of the system's. */
export function orderFence(
  { is, program }: Pick<OrderFence, 'is' | 'program'>,
  { needs, network }: Pick<ExecOrder, 'needs' | 'network'>,
  path: string,
  { folder, work, temporary, hidden, authorities }: FencePlaces,
): OrderFence {
  const real = (paths: readonly string[]) => paths.map((one) => realOf(resolve(folder, one)));
  const read = [...real(needs.read), ...authorities, ...programFolder(realOf(path), folder)];
  const write = [...real(needs.write), work, temporary];
  const open = [...read, ...write, ...SYSTEM_FOLDERS];
  const isInside = (one: string) => open.some((grant) => grant !== one && isAtOrBelow(one, grant));
  return {
    ...{ is, program, read, write, temporary },
    // An installation among the system's programs is no program.
    hidden: [realOf(folder), ...hidden.map(realOf)].filter(isInside),
    links: [...needs.read, ...needs.write]
      .map((one) => resolve(folder, one))
      .map((one): [string, string] => [one, realOf(one)])
      .filter(([from, to]) => from !== to),
    network: network ?? null,
  };
}

/** True: a variable that names this folder (`HOME`) is of use inside of the fence, because a path at it or below it is open. */
export function isOpenBelow(folder: string, { read, write }: Pick<OrderFence, 'read' | 'write'>): boolean {
  return [...read, ...write].some((path) => isAtOrBelow(path, folder) || isAtOrBelow(folder, path));
}

/** A program outside of the system's folders comes with what lies beside it: `/opt/tool` for `/opt/tool/bin/run`. */
function programFolder(program: string, folder: string): string[] {
  if (SYSTEM_FOLDERS.some((path) => isAtOrBelow(program, path))) return [];
  const beside = dirname(program);
  const prefix = /^s?bin$/.test(posix.basename(beside)) ? dirname(beside) : beside;
  // A folder that holds more than programs stays closed.
  return isAtOrBelow(realOf(folder), prefix) || prefix === '/' || isAtOrBelow(prefix, realOf(folder))
    ? [program]
    : [prefix];
}
