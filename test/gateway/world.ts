import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createExec } from '../../src/gateway/exec/exec.ts';
import type {
  BrokerBroken,
  Exec,
  ExecLeft,
  ExecOrder,
  ExecServiceOptions,
  ExecUsed,
} from '../../src/gateway/exec/ports.ts';
import type { Log } from '../../src/kernel/log.ts';
import { parseStat } from '../../src/kernel/proc.ts';
import { machineTime, type Time } from '../../src/kernel/time.ts';
import { HANGS_MS } from '../hangs.ts';

/** A real broker in a folder of its own, and what is seen of it from outside. */
export interface World {
  folder: string;
  exec: Exec;
  /** Runs a command for attempt 1 of the job `j1` of the agent `a`, which may run everything and write to its folder. */
  run(command: string, args?: string[], more?: Partial<ExecOrder>): ReturnType<Exec['run']>;
  warnings: string[];
  /** What commands left that had ended by themselves. */
  left: ExecLeft[];
  used: ExecUsed[];
  /** Brokers that were killed for what they sent. */
  broken: BrokerBroken[];
  broker(): number | undefined;
  /** The record of children as it stands on disk. */
  record(): string;
}

let lastCall = 0;

export async function createWorld(
  options: Partial<ExecServiceOptions> & { time?: Time } = {},
  folder = tempFolder(),
): Promise<World> {
  const warnings: string[] = [];
  const left: ExecLeft[] = [];
  const used: ExecUsed[] = [];
  const broken: BrokerBroken[] = [];
  const keep = (message: string) => void warnings.push(message);
  const log: Log = { debug() {}, info() {}, warn: keep, error: keep };
  const runFolder = join(folder, 'data/run');
  mkdirSync(runFolder, { recursive: true });
  const { time = machineTime, ...rest } = options;
  const exec = createExec(
    {
      ...{ time, log, left: (what) => void left.push(what), used: (what) => void used.push(what) },
      brokerBroken: (what) => void broken.push(what),
    },
    { folder, runFolder, graceMs: 300, ...rest },
  );
  await exec.start();
  onTestFinished(() => exec.stop());
  return {
    folder,
    exec,
    warnings,
    left,
    used,
    broken,
    run: (command, args = [], more = {}) =>
      exec.run({ ...orderOf(command, args), ...more, needs: { ...orderOf('', []).needs, ...more.needs } }),
    broker: () => brokerOf(process.pid, runFolder),
    record: () => readFileSync(join(runFolder, 'children.jsonl'), 'utf8').trim(),
  };
}

export function orderOf(command: string, args: string[]): ExecOrder {
  const needs = { exec: ['*'], read: [], write: ['.'] };
  return { agent: 'a', job: 'j1', attempt: 1, call: ++lastCall, command, args, needs };
}

export function tempFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-exec-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The broker of a host, by its place in the tree and the folder that it runs in. */
export function brokerOf(host: number, runFolder: string): number | undefined {
  return processes().find(
    ({ parent, text }) => parent === host && text.trimEnd().endsWith(`exec/inside/broker.js ${runFolder}`),
  )?.pid;
}

/** Pids of processes whose command line holds the text, zombies left out. */
export function pidsWith(text: string): number[] {
  return processes()
    .filter((one) => one.text.includes(text))
    .map(({ pid }) => pid);
}

/** Pids of `sleep <seconds>` itself, by whichever path it was started. */
export function sleepsOf(seconds: string): number[] {
  return processes()
    .filter((one) => one.text.trim().replace(/^\S*\//, '') === `sleep ${seconds}`)
    .map(({ pid }) => pid);
}

/** Zombies whose parent is the process. */
export function zombiesOf(parent: number): number {
  return statsNow().filter((one) => one.parent === parent && one.isZombie).length;
}

export async function until<T>(
  what: string,
  look: () => T | undefined | false | null,
  withinMs = HANGS_MS,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function processes() {
  return statsNow()
    .filter(({ isZombie }) => !isZombie)
    .map(({ pid, parent }) => ({ pid, parent, text: readOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') }));
}

function statsNow() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => parseStat(readOr(`/proc/${pid}/stat`)) ?? []);
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
