import type { Worker } from 'node:worker_threads';
import { processesBelow, readStat, threadIdOf } from '../../kernel/proc.ts';
import type { Time } from '../../kernel/time.ts';

const CHILDREN_GONE_MS = 100;
const TERMINATE_MS = 2_000;
const LOOK_EVERY_MS = 10;

/**
 * Ends a thread for good: its children first (left for later they would stay zombies, and one that it waits for pins
 * it), then the thread. False: it did not end within 2 s, because it sits in native code; only the process can be killed then.
 */
export async function killThread(worker: Worker, name: string, time: Time): Promise<boolean> {
  const tid = threadIdOf(name);
  const children = tid === undefined ? [] : processesBelow(tid);
  if (children.length > 0) {
    for (const pid of children) signal(pid, 'SIGKILL');
    for (let left = CHILDREN_GONE_MS; left > 0 && children.some(isRunning); left -= LOOK_EVERY_MS) {
      await time.sleep(LOOK_EVERY_MS);
    }
  }
  const deadline = new AbortController();
  const ended = worker.terminate().then(() => true);
  const late = time.sleep(TERMINATE_MS, deadline.signal).then(
    () => false,
    () => true,
  );
  const gone = await Promise.race([ended, late]);
  deadline.abort();
  return gone;
}

/** A zombie does not run: it is reaped soon. */
function isRunning(pid: number): boolean {
  return readStat(pid)?.isZombie === false;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
