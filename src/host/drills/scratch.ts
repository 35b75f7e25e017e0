import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ControlClient } from '../../control/client.ts';
import { connectHost } from '../../control/own-host.ts';
import { hostOf } from '../../control/place.ts';
import type { ProcessRef } from '../../control/process.ts';
import type { JobView, Op, Ops } from '../../control/protocol.ts';
import { entryFile, packageFile } from '../../kernel/entry.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';

const MAIN = fileURLToPath(entryFile('main.js'));
const CANARY = fileURLToPath(packageFile('drills/canary.ts'));
const READY_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** A whole Daruma of its own, guardian and all, in a folder that goes with it: for faults that no canary beside real agents can bear. */
export interface Scratch {
  folder: string;
  /** Its host, while it lives. */
  host(): ProcessRef | undefined;
  /** Runs the canary once and resolves with its end; asks again while the host is away. */
  runCanary(withinMs: number): Promise<JobView | undefined>;
  ask<O extends Op>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']>;
  /** Waits until it holds; false when it did not within the time. */
  until(holds: () => Promise<boolean> | boolean, withinMs: number): Promise<boolean>;
  leave(): Promise<void>;
}

/** Starts one; `sizeMb`: on a file system of that size in memory, which needs the right to mount. */
export async function openScratch(time: Time, options: { sizeMb?: number; schedule?: string } = {}): Promise<Scratch> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-drill-')));
  if (options.sizeMb) mount(folder, options.sizeMb);
  for (const part of ['plugins', 'agents', 'config']) mkdirSync(join(folder, part));
  cpSync(CANARY, join(folder, 'plugins/canary.ts'));
  const agent = {
    plugin: 'canary',
    settings: { fault: 'none', limitMb: 64 },
    ...(options.schedule ? { schedule: options.schedule } : {}),
  };
  writeFileSync(join(folder, 'agents/canary.yaml'), JSON.stringify(agent));
  const guardian = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', folder], { stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => guardian.once('exit', () => resolve()));
  const scratch: Scratch = { folder, host: () => hostOf(folder), runCanary, ask, until, leave };
  if (await until(isReady, READY_WITHIN_MS)) return scratch;
  await leave();
  throw new Fault({ code: 'DRILL_NO_START', message: 'the host of the drill did not start', next: 'daruma logs' });

  async function isReady() {
    const { agents } = await ask('check', {});
    return agents.includes('canary');
  }

  async function connected<T>(use: (client: ControlClient) => Promise<T>): Promise<T> {
    const client = await connectHost(folder, time);
    try {
      return await use(client);
    } finally {
      client.close();
    }
  }

  function ask<O extends Op>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']> {
    return connected((client) => client.ask(op, args));
  }

  async function runCanary(withinMs: number) {
    let job: JobView | undefined;
    const key = `drill-${time.monotonic()}`;
    await until(async () => {
      job ??= await ask('run', { agent: 'canary', key });
      job = await ask('job', { id: job.id });
      return job.state === 'done';
    }, withinMs);
    return job;
  }

  async function until(holds: () => Promise<boolean> | boolean, withinMs: number) {
    const deadline = time.monotonic() + withinMs;
    while (time.monotonic() < deadline) {
      if (await attempt(holds)) return true;
      await time.sleep(LOOK_EVERY_MS);
    }
    return false;
  }

  async function leave() {
    end(guardian);
    await gone;
    if (options.sizeMb) unmount(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A host that is away for a moment is what a drill is about: not an error. */
async function attempt(holds: () => Promise<boolean> | boolean): Promise<boolean> {
  try {
    return await holds();
  } catch {
    return false;
  }
}

function end(child: ChildProcess) {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
}

function mount(folder: string, sizeMb: number) {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    throw new Fault(
      { code: 'DRILL_NO_MOUNT', message: 'a small disk can be mounted by root only', next: 'sudo daruma drill disk' },
      { cause },
    );
  }
}

function unmount(folder: string) {
  try {
    execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
  } catch {
    // Left to the system: the mount goes with the last process that uses it.
  }
}
