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

/** `inc-42` of row 42. */
export function incidentIdOf(row: number): string {
  return `inc-${row}`;
}

/** The row of an incident's id; 0, which no incident has, for anything that a store never gave out. */
export function incidentRowOf(id: string): number {
  const row = /^inc-[1-9]\d{0,14}$/.test(id) ? Number(id.slice(4)) : 0;
  return Number.isSafeInteger(row) ? row : 0;
}

/** `batch-6` of row 6. */
export function batchIdOf(row: number): string {
  return `batch-${row}`;
}

/** The row of a batch's id; 0, which no batch has, for anything that a store never gave out. */
export function batchRowOf(id: string): number {
  const row = /^batch-[1-9]\d{0,14}$/.test(id) ? Number(id.slice(6)) : 0;
  return Number.isSafeInteger(row) ? row : 0;
}

/** `mw-3` of row 3. */
export function windowIdOf(row: number): string {
  return `mw-${row}`;
}

/** The row of a maintenance window's id; 0, which no window has, for anything that a store never gave out. */
export function windowRowOf(id: string): number {
  const row = /^mw-[1-9]\d{0,14}$/.test(id) ? Number(id.slice(3)) : 0;
  return Number.isSafeInteger(row) ? row : 0;
}

/** An owner as the table has it: `local/4711-x`. */
export function ownerText({ host, run }: Owner): string {
  return hostPrefix(host) + run;
}

/** The beginning of the owners of all runs of a host. */
export function hostPrefix(host: string): string {
  return `${encodeURIComponent(host)}/`;
}
