import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from './delay.ts';

/** A host that runs as its own process, without a guardian: who starts it again is the fuzz. */
export interface HostProcess {
  pid: number;
  /** When it was started, epoch ms. */
  startedAt: number;
  /** Resolves when it says that it works; rejects with what it said instead. */
  ready: Promise<void>;
  /** Resolves when it is gone, with its exit code or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  isOver(): boolean;
  kill(signal: NodeJS.Signals): void;
}

export function startHost(main: string, folder: string): HostProcess {
  // Every round is a day of work pressed into a second. Without this a host would take the kills for starts that failed,
  // and hold its agents (safe mode), which is right and not what is tried here.
  rmSync(join(folder, 'data/run/starts.json'), { force: true });
  const startedAt = Date.now();
  const child = spawn(process.execPath, [main, 'host', '--dir', folder, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let over = false;
  let said = '';
  let complained = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complained = (complained + text).slice(-4_000)));
  const ended = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once('exit', (code, signal) => {
      over = true;
      resolve(signal ?? code ?? -1);
    }),
  );
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (!said.includes('\n')) return;
      if ('error' in JSON.parse(said.slice(0, said.indexOf('\n')))) reject(new Error(`the host says: ${said}`));
      else resolve();
    });
    child.once('close', (code, signal) =>
      reject(new Error(`the host ended with ${code ?? signal}: ${said}${complained}`)),
    );
  });
  ready.catch(() => {});
  return { pid: child.pid!, startedAt, ready, ended, isOver: () => over, kill: (signal) => void child.kill(signal) };
}

export interface Process {
  pid: number;
  parent: number;
  command: string;
}

/** Processes that work in the folder or name it on their command line, without those that are only waiting to be buried. */
export function processesOf(folder: string): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const isOurs = command.includes(folder) || readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
        return isOurs && state !== 'Z' ? [{ pid: Number(pid), parent: Number(parent), command }] : [];
      } catch {
        // The process ended while it was looked at.
        return [];
      }
    });
}

/** Waits until none of the processes is there; those that are left after the time, and how long it took. */
export async function goneWithin(folder: string, pids: number[], ms: number): Promise<{ left: Process[]; ms: number }> {
  const begun = performance.now();
  for (;;) {
    const left = processesOf(folder).filter(({ pid }) => pids.includes(pid));
    const waited = performance.now() - begun;
    if (left.length === 0 || waited > ms) return { left, ms: waited };
    await delay(20);
  }
}

/** Sends a signal to processes that may be gone already. */
export function signal(pids: number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // Gone.
    }
  }
}
