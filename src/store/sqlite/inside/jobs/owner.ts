import type { Owner } from '../../../../jobs/ports.ts';

/** An owner as the table has it: `local/4711-x`. */
export function ownerText({ host, run }: Owner): string {
  return hostPrefix(host) + run;
}

/** What the owners of all runs of a host begin with. */
export function hostPrefix(host: string): string {
  return `${encodeURIComponent(host)}/`;
}
