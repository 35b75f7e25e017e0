import { Fault } from '../kernel/fault.ts';

/** A mistake of whoever typed the command: exit code 2. `next` is what to type instead. */
export function usage(message: string, next: string): Fault {
  return new Fault({ code: 'USAGE', message, next });
}
