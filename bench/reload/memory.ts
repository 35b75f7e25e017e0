import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../machine.ts';
import { until } from '../world.ts';

export const SAMPLES = 40;
export const COLLECTIONS = 7;
const SAMPLE_EVERY_MS = 500;
const COLLECTED_WITHIN_MS = 30_000;

/** Bytes that the system has resident for the host, and for all of its cells. */
export interface Memory {
  host: number;
  cells: number;
}

export function memoryOf(host: number): Memory {
  return { host: residentOf(host), cells: cellsOf(host).reduce((sum, pid) => sum + residentOf(pid), 0) };
}

/** Figures of one point of the run. */
export interface Reading {
  /** Medians and least values of many samples, as anybody sees them. What V8 has not collected yet makes them swing by a fifth. */
  seen: { median: Memory; least: Memory };
  /** Of the host, each time that its threads had just collected their garbage; medians. */
  collected: Collected;
}

export interface Collected {
  resident: number;
  /** In the heap of its main thread: what JavaScript holds. */
  data: number;
  /** There as well: what V8 compiled, which grows with what is done for the first times. */
  code: number;
}

/** The Node options and the environment with which a host can be asked to collect. */
export function collecting(folder: string) {
  return {
    options: ['--import', join(import.meta.dirname, '../systems/collect.mjs')],
    env: { BENCH_HEAP: join(folder, 'heap.json') },
  };
}

/** Lets the host settle, looks at it, then has it collect, `COLLECTIONS` times. */
export async function reading(host: number, folder: string, settleMs: number): Promise<Reading> {
  await sleep(settleMs);
  const taken: Memory[] = [];
  for (let at = 0; at < SAMPLES; at++) {
    taken.push(memoryOf(host));
    await sleep(SAMPLE_EVERY_MS);
  }
  const [hosts, cells] = [taken.map((one) => one.host), taken.map((one) => one.cells)];
  return {
    seen: {
      median: { host: median(hosts), cells: median(cells) },
      least: { host: Math.min(...hosts), cells: Math.min(...cells) },
    },
    collected: await collected(host, folder),
  };
}

/** Collects once in a window, until the last three are within `within` of each other, or `mostMs` have gone by. */
export async function warmed(
  host: number,
  folder: string,
  { windowMs, within, mostMs }: { windowMs: number; within: number; mostMs: number },
): Promise<{ tookMs: number; isSettled: boolean; resident: number[] }> {
  const begun = performance.now();
  const resident: number[] = [];
  for (;;) {
    await sleep(windowMs);
    resident.push((await collected(host, folder)).resident);
    process.stderr.write(`warming: ${Math.round(resident.at(-1)! / 1024 ** 2)} MB\n`);
    const last = resident.slice(-3);
    const isSettled = last.length === 3 && Math.max(...last) / Math.min(...last) - 1 <= within;
    const tookMs = performance.now() - begun;
    if (isSettled || tookMs + windowMs > mostMs) return { tookMs, isSettled, resident };
  }
}

async function collected(host: number, folder: string): Promise<Collected> {
  const file = collecting(folder).env.BENCH_HEAP;
  const told = (): { times: number; data: number; code: number } => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      return { times: 0, data: 0, code: 0 };
    }
  };
  const taken: Collected[] = [];
  for (let at = 0; at < COLLECTIONS; at++) {
    const { times } = told();
    process.kill(host, 'SIGUSR2');
    if (!(await until(COLLECTED_WITHIN_MS, () => told().times > times))) throw new Error('the host did not collect');
    const { data, code } = told();
    taken.push({ resident: memoryOf(host).host, data, code });
    await sleep(SAMPLE_EVERY_MS);
  }
  const middle = (what: keyof Collected) => median(taken.map((one) => one[what]));
  return { resident: middle('resident'), data: middle('data'), code: middle('code') };
}

/** 0 when it has ended. */
function residentOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function cellsOf(host: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      if (!/^\d+$/.test(name)) return [];
      const parent = Number(/^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))![1]);
      return parent === host && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('cell') ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
