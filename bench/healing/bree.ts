import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { kill, openWorld, until } from '../world.ts';
import { clearedOf, type FaultName, type Found, openNotes, WATCHED_MS } from './found.ts';

const PROGRAM = join(import.meta.dirname, '../systems/bree-faults.mjs');
const HEAP_MB = 64;

/** As long as the timeouts of Daruma's drills are. */
const closeAfterMs = (fault: FaultName) => (['hang', 'silence', 'native'].includes(fault) ? 2_000 : 60_000);

/** A job of Bree that fails. Detected: its `errorHandler` is called; repaired: the next run has started, which is another one. */
export async function breeFault(fault: FaultName): Promise<Found> {
  const world = openWorld('bree');
  try {
    const notes = openNotes(world);
    const isHost = fault === 'host';
    const bree = spawn(
      process.execPath,
      [PROGRAM, notes.file, isHost ? 'none' : fault, String(closeAfterMs(fault)), String(HEAP_MB)],
      { env: world.env, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (isHost) {
      await until(10_000, () => notes.at('start') !== undefined);
      const gone = once(bree, 'exit');
      const killed = Date.now();
      kill(bree.pid!);
      await gone;
      const ended = Date.now();
      await until(WATCHED_MS, () => notes.at('start', ended) !== undefined);
      const again = notes.at('start', ended);
      const tookMs = again === undefined ? null : again - killed;
      return { detectMs: tookMs, repairMs: tookMs, note: 'its process is gone' };
    }
    if (!(await notes.fault())) throw new Error(`the job did not fail: ${fault}`);
    if (fault === 'children') return await clearedOf(notes);
    const begun = notes.at('fault')!;
    await until(WATCHED_MS, () => notes.again() !== undefined);
    const [, , code] = notes.lines().find(([what]) => what === 'seen') ?? [];
    return {
      detectMs: notes.since(notes.at('seen', begun)),
      repairMs: notes.since(notes.again()),
      ...(code ? { note: code } : {}),
      ...notes.peak(),
    };
  } finally {
    world.end();
  }
}
