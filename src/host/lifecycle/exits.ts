import { HOST_SETTINGS_FILE } from '../../catalog/files/host-settings.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Watched } from './watched.ts';

/** `EX_CONFIG` of sysexits: a person has to mend it. The unit says that systemd shall not try again. */
const EXIT_SETTINGS = 78;
/** 128 + SIGTERM: the unit counts it as no failure, and tries again unless systemd itself has stopped the host. */
const EXIT_SIGNALLED = 143;
/** systemd 252 knows no growing pauses: a host that cannot start keeps the next one waiting, in ms. */
const REFUSED_WAIT_MS = 10_000;

/** How a host ended that had worked: somebody asked by the control socket (`signal` undefined), by a signal, or it could not go on. */
interface Worked {
  failed: boolean;
  signal: NodeJS.Signals | undefined;
  /** What it stood on is gone: no other host may take its place. */
  final?: PlainFault | undefined;
}

/**
 * The exit code of a host that has worked: 0 stopped as asked, 1 it could not go on, 78 its folder or its store is gone. Under systemd only `daruma stop` ends with
 * 0, after which the service stays down: a SIGTERM that is not systemd's own (a guard against low memory, a slip of an
 * admin) must not end a service for good.
 */
export function exitAfterWork({ failed, signal, final }: Worked, by: Watched['by']): number {
  if (final) return EXIT_SETTINGS;
  if (failed) return 1;
  return by === 'systemd' && signal !== undefined ? EXIT_SIGNALLED : 0;
}

/**
 * The exit code of a host that cannot start, and how long it waits before it ends with it. Under systemd it is tried again and
 * again, because a full disk does not stay full; but wrong settings with which no host has ever worked wait for a person.
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
