import { BOUNDS, shown } from '../../kernel/bounds.ts';
import { Fault, mayHelp, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { notKeptOf } from '../../kernel/not-kept.ts';
import { errorsOf, isError, type Reason, reasonsOf, sentenceOf } from '../../kernel/reasons.ts';
import { readLength } from '../../kernel/units.ts';
import type { Thrown } from '../wire.ts';
import { type DeniedOwner, deniedOf } from './denied.ts';

const LONGEST_TEXT = 16 * 1024;
/** Of a path that a hint repeats. */
const LONGEST_PATH = 200;
const FINAL = { placedAt: 'run', isFinal: true } as const;
/** Error classes of the author's contract, by name: the bundle has its own copy of them. */
const CODES: ReadonlyMap<string, string> = new Map([
  ['GiveUp', 'GIVE_UP'],
  ['RetryLater', 'RETRY_LATER'],
  ['EffectUnknown', 'EFFECT_UNKNOWN'],
]);

/**
 * Anything that a plugin threw, as plain data: all that it comes from is in the message, the code is the first that one
 * of its causes has, and the stacks of those stand below its own.
 */
export function thrownOf(value: unknown, owner: DeniedOwner): Thrown {
  try {
    return cut(isError(value) ? thrownText(value, owner) : { ...toPlainFault(value), placedAt: 'run' });
  } catch {
    // The getters of the error throw.
    return { code: 'ERROR', message: 'threw something that cannot be read', placedAt: 'run' };
  }
}

/**
 * Whether another attempt may help: false after GiveUp, EffectUnknown and every fault of the programmer or the set-up, a
 * RetryLater's pause in ms, else true. A pause that is none is mostly the header of another server, and what made the
 * plugin wait may pass all the same: its job is tried again by the backoff, and told why.
 */
export function retryOf(value: unknown, owner: DeniedOwner): boolean | number {
  try {
    return retryOfRead(value, owner);
  } catch {
    // The getters of the error throw.
    return true;
  }
}

function retryOfRead(value: unknown, owner: DeniedOwner): boolean | number {
  if (!isError(value)) return true;
  if (value.name === 'GiveUp' || value.name === 'EffectUnknown') return false;
  if (value.name !== 'RetryLater') return !isPermanent(value, owner);
  const pause = pauseOf(value);
  return typeof pause === 'number' ? pause : true;
}

/** Of several reasons one that may pass is enough. */
function isPermanent(error: Error, owner: DeniedOwner): boolean {
  const many = errorsOf(error);
  if (many.length > 0) return many.every((one) => isError(one) && isPermanent(one, owner));
  const own = ownFault(error, owner);
  if (own) return !mayHelp(own);
  return isError(error.cause) && isPermanent(error.cause, owner);
}

/** Fields that Daruma adds to an error that is its own, or Node's refusal of a right. */
function ownFault(error: Error, owner: DeniedOwner): PlainFault | undefined {
  return error instanceof Fault ? error.plain : (notKeptOf(error, owner.folder) ?? deniedOf(error, owner));
}

function thrownText(error: Error, owner: DeniedOwner): Thrown {
  const reasons = reasonsOf(error);
  const plain = toPlainFault(error, CODES.get(error.name));
  const known = reasons.map((reason) => ({
    reason,
    fault: isError(reason.value) ? ownFault(reason.value, owner) : undefined,
  }));
  const first = known.find(({ reason, fault }) => fault && isTheCause(reason, reasons))?.fault;
  const denied = notKeptOf(error, owner.folder) ?? deniedOf(error, owner);
  const own = plain.code === error.name || plain.code === 'ERROR' ? undefined : plain.code;
  const isOurs =
    first !== undefined &&
    (own === undefined || denied !== undefined || first.code === 'NOT_KEPT' || error instanceof Fault);
  const code = isOurs ? first.code : (own ?? codeOf(reasons) ?? plain.code);
  const next = first?.next ?? known.find(({ fault }) => fault?.next)?.fault?.next ?? relativePathHint(error);
  const stack = stackOf(reasons);
  const thrown: Thrown = {
    ...plain,
    code,
    message: messageOf(
      error,
      known.map(({ fault }) => fault),
      denied,
    ),
    ...(isOurs && first.data ? { data: first.data } : {}),
    ...(next ? { next } : {}),
    ...(stack ? { stack } : {}),
    ...(isOurs && !mayHelp(first) ? FINAL : {}),
  };
  const wrong = error.name === 'RetryLater' ? pauseOf(error) : undefined;
  if (typeof wrong !== 'string') return thrown;
  const message = `${thrown.message} (RetryLater: after ${shown(afterOf(error))} ${wrong}; the backoff says when instead)`;
  return { ...thrown, code: 'RETRY_AFTER_INVALID', message, next: "give a length of time: { after: '60s' }" };
}

/** Workers begin in an empty folder, so that a relative path leads nowhere, wherever the installation lies. */
function relativePathHint(error: Error): string | undefined {
  const { code, path } = error as { code?: unknown; path?: unknown };
  if (code !== 'ENOENT' || typeof path !== 'string' || path.startsWith('/')) return undefined;
  const file = JSON.stringify(path.slice(0, LONGEST_PATH));
  return `relative paths begin in an empty folder: write join(folder, ${file}) with \`folder\` of the context, and the path in needs.read`;
}

/** A part of an AggregateError speaks for the whole only when it is the only part. */
function isTheCause(reason: Reason, reasons: readonly Reason[]): boolean {
  return !reason.isOneOfMany || reasons.filter(({ isOneOfMany }) => isOneOfMany).length === 1;
}

function codeOf(reasons: readonly Reason[]): string | undefined {
  for (const reason of reasons.slice(1)) {
    const { code } = (reason.value ?? {}) as { code?: unknown };
    if (typeof code === 'string' && isTheCause(reason, reasons)) return code;
  }
  return undefined;
}

/** Node's own message speaks of flags of its command line, which do not help the author of a plugin. */
function messageOf(error: Error, faults: (PlainFault | undefined)[], denied: PlainFault | undefined): string {
  if (denied) return denied.message;
  const text = sentenceOf(error);
  const inner = faults.find((fault) => fault?.code === 'NOT_IN_NEEDS');
  return inner && text.includes('Use --allow-') ? `${String(error.message || error.name)}: ${inner.message}` : text;
}

/**
 * The error's own stack, and below it the stacks of its causes: the stack of an AggregateError names no line of the
 * author.
 */
function stackOf(reasons: readonly Reason[]): string | undefined {
  const stacks = reasons.flatMap(({ value }) =>
    isError(value) && typeof value.stack === 'string' ? [value.stack] : [],
  );
  return stacks.length === 0 ? undefined : stacks.join('\ncaused by ');
}

function pauseOf(retryLater: Error): ReturnType<typeof readLength> {
  return readLength(afterOf(retryLater), BOUNDS.wait);
}

function afterOf(retryLater: Error): unknown {
  return (retryLater as { after?: unknown }).after;
}

function cut(fault: Thrown): Thrown {
  if (fault.message.length > LONGEST_TEXT) fault.message = `${fault.message.slice(0, LONGEST_TEXT)}…`;
  if (fault.stack && fault.stack.length > LONGEST_TEXT) fault.stack = fault.stack.slice(0, LONGEST_TEXT);
  return fault;
}
