import { spawn } from 'node:child_process';
import { processState } from '../../kernel/proc.ts';

/** A question to a file system that is under way. */
export interface MountCheck {
  /** Whether its process waits for something else than a processor; false when it has ended. */
  isWaiting(): boolean;
}

/** Paths on one file system that agents name. */
export interface MountPaths {
  read: readonly string[];
  write: readonly string[];
}

/** Paths of a question: those of a thousand agents would be a longer command line than a system takes. All are on one file system. */
const MOST_PATHS = 100;

/**
 * Asks a file system for the paths, by processes of their own: one that does not answer keeps them, and not the host. Makes
 * folders that agents may write and that are missing. `answered` is called once and later, whatever the answer is, also where no such
 * process can be started, which tells nobody anything; never, for as long as there is none.
 */
export function checkMount({ read, write }: MountPaths, answered: () => void): MountCheck {
  const made = write.slice(0, MOST_PATHS);
  const looked = [...read, ...write].slice(0, MOST_PATHS);
  const steps = [...(made.length > 0 ? [['mkdir', '-p', '--', ...made]] : []), ['ls', '-d', '--', ...looked]];
  let pid: number | undefined;

  function next() {
    const step = steps.shift();
    pid = undefined;
    if (!step) return answered();
    try {
      begin(step);
    } catch {
      // The machine has no memory for a process.
      setImmediate(next);
    }
  }

  function begin([command, ...args]: string[]) {
    // Of its own session and not waited for: a host that ends does not wait for a file system.
    const child = spawn(command!, args, { stdio: 'ignore', detached: true, env: { PATH: process.env.PATH }, cwd: '/' });
    child.unref();
    pid = child.pid;
    child.once('error', next).once('exit', next);
  }
  next();
  return {
    isWaiting() {
      const state = pid === undefined ? undefined : processState(pid);
      return state === 'S' || state === 'D';
    },
  };
}
