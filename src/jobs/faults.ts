import { Fault, type PlainFault } from '../kernel/fault.ts';
import { fnv1a } from '../kernel/fnv.ts';

/** An id that no job has, or has any more. */
export function jobUnknown(id: string): Fault {
  return new Fault({ code: 'JOB_UNKNOWN', message: `there is no job ${id}`, next: 'daruma jobs' });
}

/** An id that no batch has, or has any more. */
export function batchUnknown(id: string): Fault {
  return new Fault({
    code: 'BATCH_UNKNOWN',
    message: `there is no batch ${id}, or no more`,
    next: 'daruma batch list',
  });
}

/**
 * Names the cause of a failure, so that failures of one cause can be grouped: its code, its place and its message with
 * numbers, quoted text and hex runs taken out. `f-` and six base-36 digits (FNV-1a, 32 bits).
 */
export function causeOf(fault: PlainFault): string {
  const message = fault.message
    .split('\n', 1)[0]!
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '…')
    .replace(/\b[0-9a-f]{8,}\b/gi, '#')
    .replace(/\d+/g, '#');
  const text = `${fault.code}|${fault.file ?? ''}|${fault.line ?? ''}|${message}`;
  return `f-${(fnv1a(text) >>> 0).toString(36).padStart(6, '0').slice(-6)}`;
}
