import { readFileSync } from 'node:fs';
import { pidsNow, readArguments, readProcessSize, readStat } from '../../kernel/proc.ts';

/** A process that the host, or what it started, has started. */
export interface ProcessBelow {
  pid: number;
  command: string;
  /** The host's own: a cell, the broker, the page, the compiler. */
  isOwn: boolean;
  isZombie: boolean;
  ageMs: number;
}

const MS_PER_TICK = 10;

/** The processes below this one; empty where there is no /proc. */
export function processesBelowHost(): ProcessBelow[] {
  const upMs = Number.parseFloat(read('/proc/uptime')) * 1_000;
  const found = pidsNow().flatMap((pid) => readStat(pid) ?? []);
  const below = new Set([process.pid]);
  // A parent has mostly the smaller pid, but not where pids have begun anew.
  for (let before = 0; before !== below.size; ) {
    before = below.size;
    for (const { pid, parent } of found) if (below.has(parent)) below.add(pid);
  }
  return found
    .filter(({ pid }) => pid !== process.pid && below.has(pid))
    .map(({ pid, start, isZombie }) => ({
      pid,
      command: readProcessSize(pid)?.command ?? '?',
      isOwn: readArguments(pid)?.split('\0')[0] === process.execPath || isCompiler(pid),
      isZombie,
      ageMs: upMs - start * MS_PER_TICK,
    }));
}

function isCompiler(pid: number): boolean {
  return /(^|\/)esbuild$/.test(readArguments(pid)?.split('\0')[0] ?? '');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
