import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, kill, until, type World } from '../world.ts';

/** The answer to a fault, in ms from the fault; null: not within {@link WATCHED_MS}. */
export interface Found {
  detectMs: number | null;
  /** Until the work goes on, or everything is cleared away. */
  repairMs: number | null;
  note?: string;
}

export const WATCHED_MS = 45_000;
/** The faults, as Daruma's drills name them. */
export const FAULTS = ['crash', 'buffers', 'hang', 'silence', 'native', 'children', 'host'] as const;
export type FaultName = (typeof FAULTS)[number];

/** Lines that a failing program and its watcher write down: a line is `<what> <time> …`. */
export function openNotes(world: World) {
  const file = join(world.folder, 'notes');
  writeFileSync(file, '');
  const lines = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
  const times = (what: string) => lines().flatMap(([name, time]) => (name === what ? [Number(time)] : []));
  /** When it was written first, or first from a time on. */
  const at = (what: string, from = 0) => times(what).find((time) => time >= from);
  return {
    file,
    at,
    lines,
    /** When the second life began: the first one may fail within the millisecond in which it starts. */
    again: () => times('start')[1],
    /** From the fault to the time; null when there was none. */
    since: (time: number | undefined) => (time === undefined ? null : time - at('fault')!),
    fault: () => until(WATCHED_MS, () => at('fault') !== undefined),
    peak() {
      const bytes = lines().flatMap(([name, , , rss]) => (name === 'memory' ? [Number(rss)] : []));
      return bytes.length > 0 ? { note: `peak ${Math.round(Math.max(...bytes) / 1024 ** 2)} MB` } : {};
    },
  };
}

/** Waits for the children that were written down to end; ends them when nobody else does. */
export async function clearedOf(notes: ReturnType<typeof openNotes>): Promise<Found> {
  const pids = notes.lines().flatMap(([name]) => (name?.startsWith('child:') ? [Number(name.slice(6))] : []));
  const alive = () => pids.filter(isAlive);
  const isCleared = await until(WATCHED_MS, () => alive().length === 0);
  const left = alive();
  for (const pid of left) kill(pid);
  const tookMs = isCleared ? notes.since(Date.now()) : null;
  return { detectMs: tookMs, repairMs: tookMs, note: `${left.length} of ${pids.length} children alive` };
}
