import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ControlClient } from '../control/client.ts';
import { connectHost } from '../control/own-host.ts';
import { hostOf } from '../control/place.ts';
import type { ProcessRef } from '../control/process.ts';
import type { JobView, Op, Ops } from '../control/protocol.ts';
import { Fault } from '../kernel/fault.ts';
import { entryFile } from '../kernel/paths.ts';
import type { Time } from '../kernel/time.ts';
import { CANARY } from './canaries.ts';
import type { DrillPromise, Measured } from './plans.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(entryFile('main.js'));
const READY_WITHIN_MS = 30_000;

/** A drill that needs a whole Daruma of its own. */
export interface ScratchPlan extends DrillPromise {
  options: ScratchOptions;
  run(scratch: Scratch, time: Time): Promise<Measured>;
}

interface ScratchOptions {
  /** The installation lies on a file system of that size in memory, which needs the right to mount. Left out: in the temporary folder. */
  sizeMb?: number;
  /** Further fields of the canary's agent file. Left out: it has no schedule. */
  agent?: Record<string, string>;
  /** Further files, by their paths in the installation. */
  files?: Record<string, string>;
  /** A module that is loaded before the host. */
  preload?: string;
}

/** A whole Daruma of its own, guardian and all, in a folder that goes with it: for faults that no canary beside real agents can bear. */
export interface Scratch {
  folder: string;
  /** The host of the scratch installation, while it lives. */
  host(): ProcessRef | undefined;
  /** Runs the canary once and resolves with its end; asks again while the host is away. */
  runCanary(withinMs: number): Promise<JobView | undefined>;
  ask<O extends Op>(op: O, args: Ops[O]['args']): Promise<Ops[O]['value']>;
  leave(): Promise<void>;
}

/** Starts a scratch installation and its host; rejects with `DRILL_NO_MOUNT` or `DRILL_NO_START`, with nothing left behind. */
export async function openScratch(time: Time, options: ScratchOptions = {}): Promise<Scratch> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-drill-')));
  if (options.sizeMb) mount(folder, options.sizeMb);
  for (const part of ['plugins', 'agents', 'config']) mkdirSync(join(folder, part));
  cpSync(CANARY, join(folder, 'plugins/canary.ts'));
  const agent = {
    plugin: 'canary',
    settings: { fault: 'none', limitMb: 64 },
    ...options.agent,
  };
  writeFileSync(join(folder, 'agents/canary.yaml'), JSON.stringify(agent));
  for (const [path, text] of Object.entries(options.files ?? {})) writeFileSync(join(folder, path), text);
  const guardian = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', folder], {
    stdio: 'ignore',
    // The scratch host needs no page.
    env: { ...withPreload(process.env, options.preload), DARUMA_WEB: 'off' },
  });
  const gone = new Promise<void>((resolve) => guardian.once('exit', () => resolve()));
  const scratch: Scratch = { folder, host: () => hostOf(folder), runCanary, ask, leave };
  if (await until(time, READY_WITHIN_MS, isReady)) return scratch;
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
    await until(time, withinMs, async () => {
      job ??= await ask('run', { agent: 'canary', key });
      job = await ask('job', { id: job.id });
      return job.state === 'done';
    });
    return job;
  }

  async function leave() {
    end(guardian);
    await gone;
    if (options.sizeMb) unmount(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The environment with a module to load first in each Node process that gets it. */
function withPreload(env: NodeJS.ProcessEnv, module: string | undefined): NodeJS.ProcessEnv {
  if (module === undefined) return env;
  const option = `--import=${pathToFileURL(module).href}`;
  return { ...env, NODE_OPTIONS: env.NODE_OPTIONS ? `${env.NODE_OPTIONS} ${option}` : option };
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
