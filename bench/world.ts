import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder of a run and a mark in the environment of what it starts. Daemons and children of children carry the mark on,
 * whoever their parent is by then: nothing outlives the run, neither after an error nor after Ctrl-C.
 */
export interface World {
  folder: string;
  /** For every process that is started. */
  env: NodeJS.ProcessEnv;
  /** Living processes that carry the mark. */
  processes(): number[];
  /** Kills all of it and removes the folder. */
  end(): void;
}

const MARK = 'BENCH_WORLD';
const GONE_WITHIN_MS = 3_000;
const open = new Set<World>();

process.once('exit', () => {
  for (const world of open) world.end();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

export function openWorld(name: string, env: NodeJS.ProcessEnv = {}): World {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `bench-${name}-`)));
  const mark = `${MARK}=${randomUUID()}`;
  const world: World = {
    folder,
    env: { ...process.env, ...env, [MARK]: mark.slice(MARK.length + 1) },
    processes: () => marked(mark),
    end() {
      const deadline = performance.now() + GONE_WITHIN_MS;
      // Again and again: who restarts others may have done so between the look and its own end.
      for (let pids = marked(mark); pids.length > 0 && performance.now() < deadline; pids = marked(mark)) {
        for (const pid of pids) kill(pid);
        pause(20);
      }
      rmSync(folder, { recursive: true, force: true });
      open.delete(world);
    },
  };
  open.add(world);
  return world;
}

/** SIGKILL; who has ended by now is left alone. */
export function kill(pid: number) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process has ended.
  }
}

/** A zombie has ended: it only waits for its parent. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Holds at once, or within the time; looks every 10 ms. */
export async function until(withinMs: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    if (await holds()) return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function marked(mark: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const isOurs = /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(mark);
      return isOurs ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** The event loop does not turn any more when a process ends. */
function pause(ms: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
