import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from 'daruma';
import { type Process, readProcess } from './processes.ts';

/** How often SIGKILL is sent to what is still there, or was born meanwhile. */
const ROUNDS = 5;
const LOOK_EVERY_MS = 100;
/** The kernel needs a moment to take a killed process away. */
const KILLED_WITHIN_MS = 2_000;

interface Terms {
  kill: Context['kill'];
  /** Between SIGTERM and SIGKILL. */
  graceMs: number;
  signal: AbortSignal;
}

/**
 * Ends a tree that `find` finds: SIGTERM to each of its processes, after the grace SIGKILL to those that are left and to those that were
 * started meanwhile. Each signal goes to the very process that was found, never to a later one with its id. Resolves with how many
 * ended; throws when some are left.
 */
export async function endTree(find: () => Promise<Process[]>, { kill, graceMs, signal }: Terms): Promise<number> {
  const met = new Map<string, Process>();
  const meet = (found: readonly Process[]) => {
    for (const one of found) met.set(`${one.pid} ${one.start}`, one);
  };
  meet(await find());
  await kill([...met.values()], 'SIGTERM');
  let left = await whoIsLeft([...met.values()], graceMs, signal);
  for (let round = 0; round < ROUNDS; round++) {
    meet(await find());
    left = await whoIsLeft([...met.values()], 0, signal);
    if (left.length === 0) return met.size;
    await kill(left, 'SIGKILL');
    left = await whoIsLeft(left, KILLED_WITHIN_MS, signal);
  }
  const names = left.map(({ pid, command }) => `${pid} ${command.slice(0, 80)}`).join(', ');
  throw new Error(`still there after SIGKILL: ${names || 'processes that are started again and again'}`);
}

/** Waits until all have ended, at most so long, and says which have not. */
async function whoIsLeft(processes: readonly Process[], withinMs: number, signal: AbortSignal): Promise<Process[]> {
  for (const deadline = performance.now() + withinMs; ; ) {
    const now = await Promise.all(processes.map(({ pid }) => readProcess(pid)));
    const left = processes.filter(({ start }, place) => now[place]?.start === start);
    if (left.length === 0 || performance.now() >= deadline) return left;
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
}
