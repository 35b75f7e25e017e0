import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small disk of its own, in memory. */
export interface SmallDisk {
  path: string;
  /** Takes all the space that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  /** Mounts it anew: `ro`, `rw`. */
  mountAs(how: string): void;
  remove(): void;
}

/** undefined where mounting is not permitted. */
export function smallDisk(bytes: number): SmallDisk | undefined {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-disk-')));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
  const filler = join(path, 'filler');
  return {
    path,
    fill() {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(filler, Buffer.alloc(bavail * bsize));
    },
    free: () => rmSync(filler),
    mountAs: (how) => void execFileSync('mount', ['-o', `remount,${how}`, path]),
    remove() {
      execFileSync('umount', ['-l', path]);
      rmSync(path, { recursive: true });
    },
  };
}

/** What a test says when it cannot have a disk of its own. */
export const NO_DISK = 'NOT TRIED: mounting a small disk is not permitted here (it takes root on Linux)';
