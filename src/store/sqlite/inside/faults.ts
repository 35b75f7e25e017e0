import { Fault, type PlainFault, toPlainFault } from '../../../kernel/fault.ts';
import { isUnreadable } from './readable.ts';

/** A row that cannot be read, which nobody has set aside yet. */
export const ROW_UNREADABLE = 'STORE_ROW_UNREADABLE';
const UNREADABLE = {
  message: 'a row of the store cannot be read',
  next: 'daruma store check names it, daruma store mend sets it aside',
};

/** Primary result codes of SQLite. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/**
 * True when the store itself is in trouble (disk full, I/O error, corrupt, locked by another): nothing of the group can
 * be kept. False for a call that is wrong by itself.
 */
export function hitsEveryone(thrown: unknown): boolean {
  return codeOf(thrown) !== undefined && storeFault(thrown, '').code !== 'STORE_REFUSED';
}

/** What SQLite threw, as a fault with its next step; faults pass through, other errors keep their own words. */
export function storeFault(thrown: unknown, file: string): PlainFault {
  const code = codeOf(thrown);
  if (isUnreadable(thrown)) return { ...toPlainFault(thrown, ROW_UNREADABLE), ...UNREADABLE, file };
  if (thrown instanceof Fault || code === undefined) return toPlainFault(thrown, 'STORE_REFUSED');
  const said = (thrown as Error).message;
  switch (code & 0xff) {
    case FULL:
      return {
        code: 'STORE_FULL',
        message: `the store cannot grow, because the disk is full (${said})`,
        next: 'free some space on its disk; the store goes on by itself',
        file,
      };
    case IOERR:
      return {
        code: 'STORE_IO',
        message: `the disk refused to read or write the store (${said}, ${code})`,
        next: 'look at the disk (dmesg, mount); the store tries again by itself',
        file,
      };
    case BUSY:
    case LOCKED:
      return {
        code: 'STORE_BUSY',
        message: `another process holds the store and does not let go (${said})`,
        next: 'close whatever else has the file open (a second host, a database browser); the store goes on by itself',
        file,
      };
    case READONLY:
    case CANTOPEN:
      return {
        code: 'STORE_READONLY',
        message: `the store cannot be opened for writing (${said})`,
        next: 'check that its folder exists and that this user may write the folder and the file',
        file,
      };
    case CORRUPT:
    case NOTADB:
      return {
        code: 'STORE_CORRUPT',
        message: `the store's file is damaged or not a store (${said})`,
        next: 'move the file away, together with its -wal and -shm, or restore the newest copy from backups/ in its place; it was not changed',
        file,
      };
    default:
      return { code: 'STORE_REFUSED', message: `the store refused a call: ${said}`, file };
  }
}

function codeOf(thrown: unknown): number | undefined {
  const code = (thrown as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code : undefined;
}
