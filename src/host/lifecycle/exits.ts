import { HOST_SETTINGS_FILE } from '../../catalog/files/host-settings.ts';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { EXIT_SIGNALLED } from '../../kernel/pulse.ts';
import type { Watched } from './outside.ts';

/** `EX_CONFIG` of sysexits: a person has to mend the settings. The unit says that systemd shall not try again. */
const EXIT_SETTINGS = 78;
/** systemd 252 knows no growing pauses: a host that cannot start keeps the next one waiting, in ms. */
const REFUSED_WAIT_MS = 10_000;

/** Why a host ends that has worked. `again`: a host starts anew in this process, because other settings are to be in force. */
export interface Ending {
  why: string;
  failed: boolean;
  again: boolean;
  /** The signal that asked for the end; undefined: the control socket did, or the host could not go on. */
  signal?: NodeJS.Signals | undefined;
  /** The folder or the store of the host is gone: no other host may take its place. */
  final?: PlainFault | undefined;
}

/**
 * The exit code of a host that has worked: 0 stopped as asked, 1 the host could not go on, 78 its folder or its store is
 * gone. Under systemd and under a guardian only `daruma stop` ends with 0, after which the service stays down: a SIGTERM that
 * is not their own (a guard against low memory, a slip of an admin, code that got at the pid) must not end a host for good.
 */
export function exitAfterWork(
  { failed, signal, final }: Pick<Ending, 'failed' | 'signal' | 'final'>,
  by: Watched['by'],
): number {
  if (final) return EXIT_SETTINGS;
  if (failed) return 1;
  return by !== null && signal !== undefined ? EXIT_SIGNALLED : 0;
}

/**
 * The exit code of a host that cannot start, and how long the host waits before it ends. systemd tries again and again,
 * because a full disk does not stay full; but wrong settings with which no host has ever worked wait for a person.
 */
export function exitOfRefused(
  fault: Pick<PlainFault, 'code' | 'file'>,
  by: Watched['by'],
): { code: number; waitMs: number } {
  if (fault.code === 'FOLDER_NAME') return { code: EXIT_SETTINGS, waitMs: 0 };
  if (by !== 'systemd') return { code: 1, waitMs: 0 };
  const isForPeople = fault.file === HOST_SETTINGS_FILE && fault.code !== 'FILE_UNREADABLE';
  return isForPeople ? { code: EXIT_SETTINGS, waitMs: 0 } : { code: 1, waitMs: REFUSED_WAIT_MS };
}

/** An error of the start as a fault: errors of the system get words of ours and a next step. */
export function explainStartError(error: unknown, folder: string): PlainFault {
  if (error instanceof Fault) return error.plain;
  const fault = toPlainFault(error);
  switch (fault.code) {
    // On a read-only disk Node's recursive mkdir says ENOENT; a file where a folder has to be is ENOTDIR or EEXIST.
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EEXIST':
      return {
        ...fault,
        code: 'FOLDER_READONLY',
        message: `${folder} cannot be written: ${fault.message}`,
        next: 'see that its disk is mounted for writing and that this user may write there, or give another folder with --dir',
      };
    case 'ENOSPC':
    case 'EDQUOT':
      return {
        ...fault,
        code: 'DISK_FULL',
        message: `the disk of ${folder} is full: ${fault.message}`,
        next: 'free some space (df -h), then daruma start; nothing was changed',
      };
    case 'EADDRINUSE':
      return {
        ...fault,
        code: 'SOCKET_TAKEN',
        message: `the control socket is taken: ${fault.message}`,
        next: 'set control.socket in config/daruma.yaml to another path',
      };
    default:
      return fault;
  }
}
