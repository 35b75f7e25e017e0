import type { JobId } from '../../jobs/model.ts';
import type { Owner } from '../../jobs/ports.ts';

/** `job-2s` of row 100. Outside the store a job's id is opaque. */
export function jobIdOf(row: number): JobId {
  return `job-${row.toString(36)}`;
}

/** The row of a job's id; 0, which no job has, for anything that this store never gave out. */
export function rowOf(id: JobId): number {
  if (!id.startsWith('job-')) return 0;
  const row = Number.parseInt(id.slice(4), 36);
  return Number.isSafeInteger(row) && row > 0 && jobIdOf(row) === id ? row : 0;
}

/** An owner as the table has it: `local/4711-x`. */
export function ownerText({ host, run }: Owner): string {
  return hostPrefix(host) + run;
}

/** The beginning of the owners of all runs of a host. */
export function hostPrefix(host: string): string {
  return `${encodeURIComponent(host)}/`;
}
