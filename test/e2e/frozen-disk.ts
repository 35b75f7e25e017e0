import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requiredProgram } from '../programs.ts';

/** A file system of its own on a file, which can stand still as a disk or a network file system does that does not answer. */
export interface FreezableDisk {
  path: string;
  /** From now on whoever writes stands in the kernel (state D), and no signal ends it. */
  freeze(): void;
  /** Does nothing to a disk that is not frozen. */
  thaw(): void;
  remove(): void;
}

/** undefined where mounting or freezing is not permitted. */
export function freezableDisk(bytes: number): FreezableDisk | undefined {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-disk-')));
  const [image, path] = [join(folder, 'image'), join(folder, 'disk')];
  let isMounted = false;
  let isFrozen = false;
  const mkfs = requiredProgram('mkfs.ext4');
  try {
    writeFileSync(image, '');
    const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'ignore' });
    run('truncate', '-s', String(bytes), image);
    run(mkfs, '-q', image);
    run('mkdir', path);
    run('mount', '-o', 'loop', image, path);
    isMounted = true;
    run('fsfreeze', '-f', path);
    run('fsfreeze', '-u', path);
  } catch {
    if (isMounted) execFileSync('umount', ['-l', path]);
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const disk: FreezableDisk = {
    path,
    freeze() {
      execFileSync('fsfreeze', ['-f', path]);
      isFrozen = true;
    },
    thaw() {
      if (isFrozen) execFileSync('fsfreeze', ['-u', path]);
      isFrozen = false;
    },
    remove() {
      disk.thaw();
      execFileSync('umount', ['-l', path]);
      rmSync(folder, { recursive: true });
    },
  };
  return disk;
}
