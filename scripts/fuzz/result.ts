import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Broken } from './check.ts';

export const ROOT = join(import.meta.dirname, '../..');

/** What a result file says first: where it comes from. */
export function setting(seed: number): { machine: string; commit: string | null; seed: number } {
  return { machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`, commit: commit(), seed };
}

function commit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}

/** Prints the figures as a table, those in groups line by line, and then each promise that was broken. */
export function report(figures: Record<string, unknown>, broken: Broken): void {
  const flat = Object.entries(figures).flatMap(([name, value]): [string, unknown][] => {
    if (typeof value !== 'object' || value === null) return [[name, value]];
    return 'p50' in value
      ? [[`${name} p50 / p95 / longest`, Object.values(value).join(' / ')]]
      : Object.entries(value).map(([part, one]) => [`${name}: ${part}`, one]);
  });
  console.table(Object.fromEntries(flat));
  for (const [promise, openIncidents] of Object.entries(broken)) {
    console.log(`✗ ${promise}: ${openIncidents.length} times`);
    for (const one of openIncidents.slice(0, 10)) console.log(`    ${one}`);
  }
  if (Object.keys(broken).length === 0) console.log('✓ no promise broken');
}
