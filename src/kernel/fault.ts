import { describe, isError } from './reasons.ts';

/** What is told of a failure in logs, on the command line and in `--json`. Plain data: it crosses threads and processes. */
export interface PlainFault {
  /** Upper-case words, stable for scripts: `SETTINGS_INVALID`. */
  code: string;
  /** One sentence with the cause in it. */
  message: string;
  /** What to do about it: a command or an edit. */
  next?: string;
  /** Relative to the installation where it is inside it. */
  file?: string;
  line?: number;
  column?: number;
  /** The lines around the place, with a marker, ready to print. */
  frame?: string;
  stack?: string;
  data?: Record<string, unknown>;
}

/** A failure that people can act on. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly plain: PlainFault;

  constructor(plain: PlainFault, options?: { cause?: unknown }) {
    super(plain.message, options);
    this.plain = plain;
  }

  /** As errors of Node have it. */
  get code(): string {
    return this.plain.code;
  }
}

/** Anything that was thrown, as plain data. A {@link Fault} keeps what it says; the rest get `code` (or `ERROR`). */
export function toPlainFault(thrown: unknown, code?: string): PlainFault {
  if (thrown instanceof Fault) return thrown.stack ? { stack: thrown.stack, ...thrown.plain } : { ...thrown.plain };
  if (isError(thrown)) {
    const own = (thrown as NodeJS.ErrnoException).code;
    const fault: PlainFault = {
      code: code ?? (typeof own === 'string' && own ? own : thrown.name === 'Error' ? 'ERROR' : thrown.name),
      message: String(thrown.message || thrown.name),
    };
    if (thrown.stack) fault.stack = thrown.stack;
    return fault;
  }
  return { code: code ?? 'ERROR', message: `threw ${describe(thrown)} instead of an Error` };
}

/** `agents/shop-api.yaml:6:3` where the place is known, else an empty string. */
export function locationOf(fault: PlainFault): string {
  if (!fault.file) return '';
  return [fault.file, fault.line, fault.line === undefined ? undefined : fault.column]
    .filter((part) => part !== undefined)
    .join(':');
}
