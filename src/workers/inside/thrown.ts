import { BOUNDS, shown } from '../../kernel/bounds.ts';
import { Fault, toPlainFault } from '../../kernel/fault.ts';
import { readLength } from '../../kernel/units.ts';
import type { Thrown } from '../wire.ts';

const LONGEST_TEXT = 16 * 1024;
/** Error classes of the author's contract, by name: the bundle has its own copy of them. */
const CODES: Record<string, string> = { GiveUp: 'GIVE_UP', RetryLater: 'RETRY_LATER', EffectUnknown: 'EFFECT_UNKNOWN' };
/** What has to be added to `needs` when Node's permission model says no. */
const GRANTS: Record<string, string> = { FileSystemRead: 'read', FileSystemWrite: 'write', Net: 'net' };

/** Anything that a plugin threw, as plain data: its causes are in the message, the code is the first that one of them has. */
export function thrownOf(value: unknown): Thrown {
  if (!(value instanceof Error)) return cut(toPlainFault(value));
  const fault = toPlainFault(value, CODES[value.name]);
  let code = fault.code === value.name || fault.code === 'ERROR' ? undefined : fault.code;
  let cause: unknown = value.cause;
  for (let depth = 0; depth < 5 && cause instanceof Error; depth++) {
    const own = cause instanceof Fault ? cause.plain.code : (cause as NodeJS.ErrnoException).code;
    if (cause.message && !fault.message.includes(cause.message)) fault.message += `: ${cause.message}`;
    if (typeof own === 'string') code ??= own;
    fault.next ??= nextFor(cause);
    cause = cause.cause;
  }
  const wrong = value.name === 'RetryLater' ? pauseOf(value) : undefined;
  if (typeof wrong === 'string') {
    const message = `RetryLater: after ${shown(afterOf(value))} ${wrong}; it was thrown because of: ${fault.message}`;
    return cut({ ...fault, code: 'CALL_INVALID', message, next: "give a length of time: { after: '60s' }" });
  }
  const next = fault.next ?? nextFor(value);
  return cut({ ...fault, code: code ?? fault.code, ...(next ? { next } : {}) });
}

/** Whether another attempt may help: false after GiveUp, EffectUnknown and a RetryLater whose pause is none, a RetryLater's pause in ms, else true. */
export function retryOf(value: unknown): boolean | number {
  if (!(value instanceof Error)) return true;
  if (value.name === 'GiveUp' || value.name === 'EffectUnknown') return false;
  if (value.name !== 'RetryLater') return true;
  const pause = pauseOf(value);
  return typeof pause === 'number' && pause;
}

function pauseOf(retryLater: Error): ReturnType<typeof readLength> {
  return readLength(afterOf(retryLater), BOUNDS.wait);
}

function afterOf(retryLater: Error): unknown {
  return (retryLater as { after?: unknown }).after;
}

function nextFor(error: Error): string | undefined {
  if (error instanceof Fault) return error.plain.next;
  const told = error as NodeJS.ErrnoException &
    Partial<Record<'permission' | 'resource' | 'address' | 'hostname', string>>;
  if (told.code !== 'ERR_ACCESS_DENIED') return undefined;
  const host = told.hostname ?? told.address;
  const need = host ? 'net' : GRANTS[told.permission ?? ''];
  return need
    ? `add ${need}: ['${host ?? (told.resource || '…')}'] to the plugin's needs`
    : 'a plugin may not use this';
}

function cut(fault: Thrown): Thrown {
  if (fault.message.length > LONGEST_TEXT) fault.message = `${fault.message.slice(0, LONGEST_TEXT)}…`;
  if (fault.stack && fault.stack.length > LONGEST_TEXT) fault.stack = fault.stack.slice(0, LONGEST_TEXT);
  return fault;
}
