import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seccompFilter } from '../../../fence/seccomp.ts';
import type { FenceTerms } from '../../../fence/terms.ts';
import { entryFile, isAtOrBelow } from '../../../kernel/paths.ts';
import { namesIn } from '../../../kernel/proc.ts';
import { bwrapArguments } from '../bwrap-arguments.ts';
import { type OrderFence, SYSTEM_FOLDERS } from '../order-fence.ts';
import { closedFiles } from '../system-secrets.ts';
import { type BrokerOrder, ENV_TAG } from '../wire.ts';

/** The start of a command, with its fence up before its first instruction. */
export interface Enclosure {
  /** The program at the gate and its arguments: the command, or what puts its fence up and becomes the command. */
  words: string[];
  /** The environment of that program. The fence's own programs get nothing of what the command gets. */
  env: Record<string, string>;
  /** The text that the program reads on descriptor 3, behind the line that opens the gate. */
  terms: string;
  /** The bytes that the program reads on further descriptors, from {@link FIRST_FEED} on. */
  feeds: (string | Buffer)[];
  /** True: the program reports on descriptor 3 how the command ended, or why it was not started. */
  reportsEnd: boolean;
}

/** The first descriptor of {@link Enclosure.feeds}. */
export const FIRST_FEED = 4;

/**
 * The parent of a command in bubblewrap, which tells a signal from an exit code, as bubblewrap itself does not: a shell says on its
 * standard error which signal ended a child, and says nothing of an exit. Signals for all reach the command and not this shell.
 */
const REPORTS_END = `trap : HUP INT QUIT TERM USR1 USR2; exec 4>&2 2>&3; (exec "$@" 2>&4 3>&- 4>&-); echo "exit $?" >&3`;
const FENCED = 'gateway/exec/inside/fenced.js';

export function enclosureOf(order: BrokerOrder, mark: string): Enclosure {
  const { fence, path, args } = order;
  const env = { ...order.env, [ENV_TAG]: mark };
  const none = { env: { [ENV_TAG]: mark }, terms: '', feeds: [], reportsEnd: true };
  if (!fence) return { ...none, words: [path, ...args], env, reportsEnd: false };
  if (fence.is === 'kernel') {
    const stage = ['--no-warnings', '--disable-sigusr1', fileURLToPath(entryFile(FENCED))];
    const terms = JSON.stringify({ terms: fenceTermsOf(fence), env });
    return { ...none, words: [process.execPath, ...stage, path, ...args], terms };
  }
  const filter = filterOf(fence.network !== null);
  const words = [
    ...[fence.program, '--args', String(FIRST_FEED)],
    ...(filter ? ['--seccomp', String(FIRST_FEED + 1)] : []),
    ...['--', '/bin/sh', '-c', REPORTS_END, 'sh', path, ...args],
  ];
  // The terms go over a descriptor: every user of the machine sees the arguments of a process.
  const variables = Object.entries(order.env).flatMap(([name, value]) => ['--setenv', name, value]);
  const given = [...bwrapArguments(fence), ...variables, '--chdir', order.cwd];
  return { ...none, words, feeds: [given.map((word) => `${word}\0`).join(''), ...(filter ? [filter] : [])] };
}

/** The filter of a command; with the machine's network it refuses unix sockets, because those without a file would be the machine's, too. */
function filterOf(hasNetwork: boolean): Buffer | undefined {
  if (process.arch !== 'x64') return undefined;
  return seccompFilter({ pid: null, sockets: hasNetwork || 'any', listens: true, programs: true, isApart: true });
}

/** Devices that programs expect, and their own standard streams. */
const READABLE = ['/dev/zero', '/dev/random', '/dev/urandom', '/dev/fd', '/proc/version', '/proc/filesystems'];
const WRITABLE = ['/dev/full', '/dev/tty'];

/** The terms of the kernel's fences for a command: Landlock knows grants only, so a folder with something closed is granted in parts. */
function fenceTermsOf({ read, write, hidden, network }: OrderFence): FenceTerms {
  const closed = [...hidden, ...closedFiles()];
  const open = (paths: readonly string[]) => {
    const named = [...read, ...write];
    return paths.flatMap((path) =>
      partsOf(
        path,
        closed.filter((one) => !named.includes(one)),
      ),
    );
  };
  const writes = open(write);
  return {
    read: READABLE,
    write: [...writes, ...WRITABLE],
    execute: [...open(SYSTEM_FOLDERS), ...open(read), ...writes],
    othersFiles: read.length + write.length > 0,
    ports: network?.connect ?? null,
    listen: network?.listen ?? [],
  };
}

/** The path itself where nothing below it is closed, else what is in it, without what is closed. */
function partsOf(path: string, closed: readonly string[]): string[] {
  if (closed.includes(path)) return [];
  const below = closed.filter((one) => isAtOrBelow(one, path));
  if (below.length === 0) return [path];
  return namesIn(path).flatMap((name) => partsOf(join(path, name), below));
}
