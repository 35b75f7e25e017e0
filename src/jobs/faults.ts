import { Fault } from '../kernel/fault.ts';

/** An id that no job has, or has any more. */
export function jobUnknown(id: string): Fault {
  return new Fault({ code: 'JOB_UNKNOWN', message: `there is no job ${id}`, next: 'daruma jobs' });
}
