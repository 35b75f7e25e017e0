import { Fault, type PlainFault, toPlainFault } from '../../../kernel/fault.ts';
import { isInstant } from '../../../kernel/instant.ts';

/**
 * A row that holds what no reader can take: a time that is none, a text that is not what its column is for. The group of
 * calls sets such rows aside and carries out the call again.
 */
export class UnreadableRow extends Error {
  override readonly name = 'UnreadableRow';
}

/** SQLite's words for a sum that is no integer any more, because the number in the row is near 2^63. */
const SUM_TOO_LARGE = /^cannot store REAL value in INTEGER column/;

/** Whether an error means that a row cannot be read: ours, Node's for an integer beyond 2^53, or SQLite's for a sum beyond 2^63. */
export function isUnreadable(thrown: unknown): boolean {
  if (thrown instanceof UnreadableRow) return true;
  const { code } = (thrown ?? {}) as { code?: unknown };
  return code === 'ERR_OUT_OF_RANGE' || (code === 'ERR_SQLITE_ERROR' && SUM_TOO_LARGE.test((thrown as Error).message));
}

/** Throws {@link UnreadableRow} unless every value is a time that can be shown, or null. */
export function mustBeInstants(...values: readonly (number | null)[]): void {
  for (const value of values) if (value !== null && !isInstant(value)) throw new UnreadableRow(`${value} is no time`);
}

/** The fault of a JSON text; throws {@link UnreadableRow} for anything else. */
export function rowFault(text: string): PlainFault {
  const fault = objectIn(text) as Partial<PlainFault>;
  if (typeof fault.code !== 'string' || typeof fault.message !== 'string') throw new UnreadableRow('no fault');
  return fault as PlainFault;
}

/** The object of a JSON text; throws {@link UnreadableRow} for anything else. */
export function objectIn(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UnreadableRow('no object');
  return value as Record<string, unknown>;
}

/** A row that cannot be read and has not been set aside yet. */
export const ROW_UNREADABLE = 'STORE_ROW_UNREADABLE';
const UNREADABLE = {
  message: 'a row of the store cannot be read',
  next: 'daruma store check names it, daruma store mend sets it aside',
};

/** The fault for a primary result code of SQLite. `said`: SQLite's own words. */
interface Trouble {
  code: string;
  message(said: string, code: number): string;
  next: string;
}

const BUSY: Trouble = {
  code: 'STORE_BUSY',
  message: (said) => `another process holds the store and does not let go (${said})`,
  next: 'close whatever else has the file open (a second host, a database browser); the store goes on by itself',
};
const READONLY: Trouble = {
  code: 'STORE_READONLY',
  message: (said) => `the store cannot be opened for writing (${said})`,
  next: 'check that its folder exists and that this user may write the folder and the file',
};
const CORRUPT: Trouble = {
  code: 'STORE_CORRUPT',
  message: (said) => `the store's file is damaged or not a store (${said})`,
  next: 'move the file away, together with its -wal and -shm, or restore the newest copy from backups/ in its place; it was not changed',
};
const TROUBLES: ReadonlyMap<number, Trouble> = new Map([
  [5, BUSY],
  [6, BUSY], // LOCKED
  [8, READONLY],
  [
    10,
    {
      code: 'STORE_IO',
      message: (said, code) => `the disk refused to read or write the store (${said}, ${code})`,
      next: 'look at the disk (dmesg, mount); the store tries again by itself',
    },
  ],
  [11, CORRUPT],
  [
    13,
    {
      code: 'STORE_FULL',
      message: (said) => `the store cannot grow, because the disk is full (${said})`,
      next: 'free some space on its disk; the store goes on by itself',
    },
  ],
  [14, READONLY], // CANTOPEN
  [26, CORRUPT], // NOTADB
]);

/**
 * True when the store itself is in trouble (disk full, I/O error, corrupt, locked by another): nothing of the group can
 * be kept. False for a call that is wrong by itself.
 */
export function hitsEveryone(thrown: unknown): boolean {
  return codeOf(thrown) !== undefined && storeFault(thrown, '').code !== 'STORE_REFUSED';
}

/** The fault for an error of SQLite, with its next step; faults pass through, other errors keep their own words. */
export function storeFault(thrown: unknown, file: string): PlainFault {
  const code = codeOf(thrown);
  if (isUnreadable(thrown)) return { ...toPlainFault(thrown, ROW_UNREADABLE), ...UNREADABLE, file };
  if (thrown instanceof Fault || code === undefined) return toPlainFault(thrown, 'STORE_REFUSED');
  const said = (thrown as Error).message;
  const trouble = TROUBLES.get(code & 0xff);
  if (!trouble) return { code: 'STORE_REFUSED', message: `the store refused a call: ${said}`, file };
  return { code: trouble.code, message: trouble.message(said, code), next: trouble.next, file };
}

function codeOf(thrown: unknown): number | undefined {
  const code = (thrown as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code : undefined;
}
