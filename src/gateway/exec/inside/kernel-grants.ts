import { join } from 'node:path';
import type { FenceTerms } from '../../../fence/terms.ts';
import { isAtOrBelow } from '../../../kernel/paths.ts';
import { namesIn } from '../../../kernel/proc.ts';
import { type OrderFence, SYSTEM_FOLDERS } from '../order-fence.ts';
import { closedFiles } from '../system-secrets.ts';

/** Devices that programs expect, and their own standard streams. */
const READABLE = ['/dev/zero', '/dev/random', '/dev/urandom', '/dev/fd', '/proc/version', '/proc/filesystems'];
const WRITABLE = ['/dev/full', '/dev/tty'];

/** The terms of the kernel's fences for a command: Landlock knows grants only, so a folder with something closed is granted in parts. */
export function fenceTermsOf({ read, write, hidden, network }: OrderFence): FenceTerms {
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
