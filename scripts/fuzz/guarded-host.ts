import { spawn } from 'node:child_process';
import { readHostFile } from '../../src/control/place.ts';
import { delay, until } from './delay.ts';
import { goneWithin, processesOf, signal } from './host-process.ts';

/** A guardian with its host, as people start them. */
export interface GuardedHost {
  /** ms from its start to the moment when it said that it works. */
  readyMs: number;
  guardian: number;
  /** The host that runs now, which is another one when the guardian had to replace it. */
  host(): number | undefined;
  /**
   * Ends guardian and host as a person would. Resolves with the exit code, the time, and the processes that were left
   * and are killed now.
   */
  stop(): Promise<{ code: number | string; ms: number; left: string[] }>;
}

export interface GuardedStart {
  main: string;
  home: string;
  /** The command that runs it: `strace …`. Default: none. */
  under?: string[];
  env?: NodeJS.ProcessEnv;
  withinMs?: number;
}

/** Resolves when it works; rejects with what it said instead, with nothing left of it. */
export async function startGuarded({ main, home, under = [], env, withinMs = 60_000 }: GuardedStart) {
  const [command, ...args] = [...under, process.execPath, main, 'start', '--dir', home, '--json'];
  const begun = performance.now();
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'], env: env ?? process.env });
  let said = '';
  let how: number | string | undefined;
  child.stdout.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-8_000)));
  child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-8_000)));
  child.once('exit', (code, by) => (how = by ?? code ?? 'unknown'));
  const pids = () => processesOf(home).map(({ pid }) => pid);
  const isReady = await until(() => /^\{.*"pid"/m.test(said) || how !== undefined, withinMs);
  const guardian = readHostFile(home)?.guardian?.pid;
  if (!isReady || how !== undefined || guardian === undefined) {
    signal(pids(), 'SIGKILL');
    throw new Error(`no host after ${Math.round(performance.now() - begun)} ms (${how ?? 'still trying'}): ${said}`);
  }
  const started: GuardedHost = {
    readyMs: performance.now() - begun,
    guardian,
    host() {
      const pid = readHostFile(home)?.pid;
      return pid !== undefined && pids().includes(pid) ? pid : undefined;
    },
    async stop() {
      const asked = performance.now();
      const all = pids();
      signal([guardian], 'SIGTERM');
      await until(() => how !== undefined, 60_000);
      const ms = performance.now() - asked;
      const { left } = await goneWithin(home, all, 2_000);
      signal(pids(), 'SIGKILL');
      if (left.length > 0) await delay(200);
      return { code: how ?? 'does not end', ms, left: left.map(({ pid, command: of }) => `${pid} ${of}`) };
    },
  };
  return started;
}
