import { readdirSync, readFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
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
  const children = tid === undefined ? [] : treeBelow(`/proc/self/task/${tid}/children`);
  if (children.length > 0) {
    for (const pid of children) signal(pid, 'SIGKILL');
    for (let left = CHILDREN_GONE_MS; left > 0 && children.some(isAlive); left -= LOOK_EVERY_MS) {
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

/** Threads carry the name that their worker was started with. */
function threadIdOf(name: string): string | undefined {
  try {
    return readdirSync('/proc/self/task').find((tid) => {
      try {
        return readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trimEnd() === name;
      } catch {
        return false;
      }
    });
  } catch {
    return undefined;
  }
}

function treeBelow(file: string): number[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const pids = text.split(' ').filter(Boolean).map(Number);
  return pids.flatMap((pid) => [pid, ...treeBelow(`/proc/${pid}/task/${pid}/children`)]);
}

function isAlive(pid: number): boolean {
  try {
    // A zombie has been reaped soon; what counts is that it runs no more.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
