import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRunning } from '../e2e/installation.ts';
import { HANGS_MS } from '../hangs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let folder: string;
let npm: ChildProcess | undefined;
let started: number[] = [];
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-npm-')));
  mkdirSync(join(folder, 'plugins'));
});
afterEach(() => {
  // Only a test that failed leaves any: the guardian first, which would start another host.
  for (const pid of [npm?.pid, ...started.reverse()]) if (pid && isRunning(pid)) process.kill(pid, 'SIGKILL');
  started = [];
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** `npm start`, as it is typed; resolves once the host works, with every process that there is. */
async function npmStart() {
  npm = spawn('npm', ['start', '--', '--dir', folder, '--json'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<number | null>((resolve) => npm!.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    npm!.stdout!.on('data', (text) => String(text).includes('"pid"') && resolve());
    ended.then((code) => reject(new Error(`npm start ended with ${code}`)));
  });
  const { pid, guardian } = JSON.parse(readFileSync(join(folder, 'data/run/host.json'), 'utf8'));
  started = [pid, guardian];
  return { ended, pids: started };
}

async function gone(pids: number[], withinMs = HANGS_MS) {
  const deadline = performance.now() + withinMs;
  while (pids.some(isRunning)) {
    if (performance.now() > deadline) throw new Error(`still there: ${pids.filter(isRunning)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('npm start', () => {
  // What Docker, a supervisor or a person with `kill` do: the signal goes to npm alone, not to its group.
  it.each(['SIGTERM', 'SIGINT'] as const)('hands %s on to the guardian, and all end in order', async (signal) => {
    const { ended, pids } = await npmStart();
    npm!.kill(signal);
    await gone(pids);
    expect(await ended).toBe(0);
  });

  it('ends with its whole group, as of a terminal that is closed', async () => {
    const { ended, pids } = await npmStart();
    process.kill(-npm!.pid!, 'SIGHUP');
    await gone(pids);
    await ended;
  });
});
