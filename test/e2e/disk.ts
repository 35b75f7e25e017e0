import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A small disk of its own, in memory. */
export interface SmallDisk {
  path: string;
  /** Takes all the space that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  /** Mounts it anew: `ro`, `rw`. */
  mountAs(how: string): void;
  /** The folder stays. */
  unmount(): void;
  remove(): void;
}

/**
 * `at`: the folder that becomes it; default a new one. `filler`: the file that takes the space. undefined where mounting is
 * not permitted.
 */
export function smallDisk(bytes: number, { at, filler: name = 'filler' }: { at?: string; filler?: string } = {}) {
  const path = at ?? realpathSync(mkdtempSync(join(tmpdir(), 'daruma-disk-')));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
  const filler = join(path, name);
  const disk: SmallDisk = {
    path,
    fill() {
      mkdirSync(dirname(filler), { recursive: true });
      // Somebody else may write meanwhile, so nobody knows before how much is left.
      const fd = openSync(filler, 'w');
      try {
        for (;;) writeSync(fd, Buffer.alloc(65_536));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(fd);
      }
    },
    free: () => rmSync(filler),
    mountAs: (how) => void execFileSync('mount', ['-o', `remount,${how}`, path]),
    unmount: () => void execFileSync('umount', ['-l', path]),
    remove() {
      disk.unmount();
      rmSync(path, { recursive: true });
    },
  };
  return disk;
}

/** What a test says when it cannot have a disk of its own. */
export const NO_DISK = 'NOT TRIED: mounting a small disk is not permitted here (it takes root on Linux)';
