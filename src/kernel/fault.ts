import { describe, isError } from './reasons.ts';
import { plainLine } from './shown-text.ts';

/** A failure as logs, the command line and `--json` show it. Plain data: it crosses threads and processes. */
export interface PlainFault {
  /** Upper-case words, stable for scripts: `SETTINGS_INVALID`. */
  code: string;
  /** A sentence with the cause in it. */
  message: string;
  /** The next step for a person: a command or an edit. */
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

  /** The code, like that of Node's errors. */
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

/** `agents/shop-api.yaml:6:3` where the place is known, else an empty string. A name of a file steers no terminal. */
export function locationOf(fault: PlainFault): string {
  if (!fault.file) return '';
  return [plainLine(fault.file), fault.line, fault.line === undefined ? undefined : fault.column]
    .filter((part) => part !== undefined)
    .join(':');
}

/**
 * Whether another attempt may help, for the faults of an attempt that Daruma itself names. `false`: a fault of the
 * programmer or of the set-up, which a second attempt only repeats, with all the effects before it: the job is dead
 * at once. Codes that the table does not have (errors of plugins, of libraries, of Node) may pass, so the job is
 * tried again.
 */
const MAY_HELP: ReadonlyMap<string, boolean> = new Map([
  // Values that cannot be a result, an input, a state or an option.
  ['NOT_JSON', false],
  ['TOO_LARGE', false],
  ['CALL_INVALID', false],
  ['VALUE_INVALID', false],
  ['INPUT_INVALID', false],
  ['TOPIC_RESERVED', false],
  // Rights that were not granted.
  ['NOT_IN_NEEDS', false],
  ['NOT_ALLOWED', false],
  // A file beside the source that its version does not hold.
  ['NOT_KEPT', false],
  // A chain of jobs that is too long, or grows too fast: its next hop is the same.
  ['CHAIN_TOO_DEEP', false],
  ['CHAIN_TOO_FAST', false],
  // A request that no model takes, or that is dearer than a day may be.
  ['MODEL_REFUSED', false],
  ['BUDGET_TOO_SMALL', false],
  // A plugin that is none, settings that its schema refuses, a command that is not installed.
  ['NO_PLUGIN', false],
  ['SETTINGS_INVALID', false],
  ['EXEC_NOT_FOUND', false],
  // A call of a model that no budget of a day pays for, or that nobody wrote a price down for.
  ['PRICE_UNKNOWN', false],
  // Effects of `once` that must not be done again, and the plugin's own word.
  ['EFFECT_UNKNOWN', false],
  ['EFFECT_NOT_KEPT', false],
  ['GIVE_UP', false],
  // Troubles that pass: time, memory, processes, servers.
  ['RETRY_LATER', true],
  ['RETRY_AFTER_INVALID', true],
  ['TIMEOUT', true],
  ['SILENT', true],
  ['CRASHED', true],
  ['BOOT_FAILED', true],
  ['OUT_OF_MEMORY', true],
  ['OVER_LIMIT', true],
  ['CELL_LOST', true],
  ['MACHINE_MEMORY', true],
  ['HOST_LOST', true],
  ['HOST_STOPPED', true],
  ['RESTARTED', true],
  ['ATTEMPT_ENDED', true],
  ['TOO_MANY_CALLS', true],
  ['AGENT_UNKNOWN', true],
  ['FETCH_TIMEOUT', true],
  ['ORIGIN_DOWN', true],
  ['BUDGET_SPENT', true],
  ['MODELS_DOWN', true],
  ['ANSWER_UNUSABLE', true],
  ['MODEL_TIMEOUT', true],
  ['SPEND_NOT_KEPT', true],
  ['EXEC_FAILED', true],
  ['EXEC_TIMEOUT', true],
  ['EXEC_STOPPED', true],
  ['EXEC_NOT_STARTED', true],
  ['EXEC_LOST', true],
]);

/** Whether another attempt may help against the fault; what kept a plugin from being loaded decides for a load. */
export function mayHelp({ code, data }: Pick<PlainFault, 'code' | 'data'>): boolean {
  const cause = code === 'BOOT_FAILED' ? data?.cause : undefined;
  return MAY_HELP.get(typeof cause === 'string' ? cause : code) ?? true;
}

/** A mistake in the command line: exit code 2. `next` is what to type instead. */
export function usage(message: string, next: string): Fault {
  return new Fault({ code: 'USAGE', message, next });
}
