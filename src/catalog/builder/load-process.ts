import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { framesOf, openFrameChannel } from '../../kernel/frames.ts';
import { MB } from '../../kernel/measures.ts';
import { entryFile } from '../../kernel/paths.ts';
import { LENT_FILES } from '../../kernel/plugin-modules.ts';
import { stderrTail } from '../../kernel/stderr-tail.ts';
import { machineTime } from '../../kernel/time.ts';
import {
  ALONE,
  type FromInside,
  type InspectRequest,
  LOAD_BOUNDS,
  LOAD_HEAP_MB,
  LOAD_RSS_MB,
  type LoadFinding,
  type LoadOrder,
  REFUSALS,
  SPARE,
} from './messages.ts';

/**
 * The outcome of one load as the builder saw it. `exit`, `died`: the process ended by a call of the plugin, or by a
 * signal · `late`: it took longer than it may · `memory`: it took too much memory · `forged`: bytes on its pipe that
 * are not Daruma's.
 */
export type LoadOutcome =
  | LoadFinding
  | { is: 'exit'; code: number }
  | { is: 'died'; how: string }
  | { is: 'late' }
  | { is: 'memory' }
  | { is: 'forged' };

/** The load processes of a builder: each is used for one plugin, and a spare stands ready. */
export interface LoadProcesses {
  /** Starts the spare. */
  warm(): void;
  load(ask: InspectRequest): Promise<LoadOutcome>;
  /** Kills all load processes. */
  close(): void;
}

const LOADER = fileURLToPath(entryFile('catalog/builder/loader.js'));
const OWN = [LOADER, ...LENT_FILES.map((file) => fileURLToPath(file))];
const FLAGS = [
  '--no-warnings',
  '--disable-sigusr1',
  '--no-experimental-sqlite',
  `--max-old-space-size=${LOAD_HEAP_MB}`,
  '--permission',
  // The kernel's fences need calls of native code, and give them back.
  '--allow-ffi',
];
const STDERR_KEPT = 2_000;
const MEASURE_EVERY_MS = 50;
const PAGE_BYTES = 4_096;
const OUT_OF_MEMORY = /heap out of memory|Allocation failed|invalid table size|out of memory/i;

/** The load processes of a builder; none runs before `warm` or the first load. */
export function createLoadProcesses(): LoadProcesses {
  let spare: LoadProcess | undefined;
  const busy = new Set<LoadProcess>();
  let isClosed = false;

  /** A plugin that may read more than Daruma's own files gets a process that is started for it alone. */
  function taken(reads: readonly string[]): LoadProcess {
    if (reads.length > 0) return openLoadProcess(reads);
    const ready = spare?.isAlive() ? spare : openLoadProcess();
    spare = undefined;
    return ready;
  }

  function warm() {
    if (!spare?.isAlive()) spare = openLoadProcess([], SPARE);
  }

  return {
    warm,
    async load(ask) {
      const code = await readFile(ask.bundle, 'utf8');
      const process = taken(ask.reads);
      busy.add(process);
      try {
        return await process.load(ask, code);
      } finally {
        busy.delete(process);
        // The next spare is not started before: the two would share the processor. A save that comes later waits for no
        // start.
        if (!isClosed) warm();
      }
    },
    close() {
      isClosed = true;
      for (const process of [...busy, ...(spare ? [spare] : [])]) process.kill();
    },
  };
}

interface LoadProcess {
  isAlive(): boolean;
  kill(): void;
  load(ask: InspectRequest, code: string): Promise<LoadOutcome>;
}

function openLoadProcess(reads: readonly string[] = [], kind = ALONE): LoadProcess {
  const key = randomUUID();
  const child = spawnLoader(reads, kind);
  const { promise, resolve } = Promise.withResolvers<LoadOutcome>();
  let stopWatch = () => {};
  const pipe = child.stdio[3] as Socket;
  openFrameChannel(
    pipe,
    { receive: (messages) => settle(outcomeIn(messages, key)), broken: () => settle({ is: 'forged' }) },
    LOAD_BOUNDS,
  );
  const stderr = stderrTail(child.stderr, STDERR_KEPT);
  child.once('close', (code, signal) => settle(endOf(code, signal, stderr())));
  child.on('error', (error) => settle({ is: 'died', how: error.message }));

  /** The first outcome counts, and ends the process. */
  function settle(outcome: LoadOutcome) {
    stopWatch();
    resolve(outcome);
    child.kill('SIGKILL');
  }

  return {
    isAlive: () => child.pid !== undefined && child.exitCode === null && child.signalCode === null,
    kill: () => void child.kill('SIGKILL'),
    load({ bundle, settings, withinMs }, code) {
      stopWatch = watchLoad(child.pid, withinMs, settle);
      const order: LoadOrder = { key, bundle, code, settings };
      for (const frame of framesOf([order])) pipe.write(frame);
      return promise;
    },
  };
}

function spawnLoader(reads: readonly string[], kind: string): ChildProcess {
  const grants = [...OWN, ...reads].map((path) => `--allow-fs-read=${path}`);
  return spawn(process.execPath, [...FLAGS, ...grants, LOADER, kind, String(process.pid), ...reads], {
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
}

/** The loop of the process may be busy with the plugin: its time and memory are watched from here. */
function watchLoad(pid: number | undefined, withinMs: number, settle: (outcome: LoadOutcome) => void): () => void {
  const stopClock = machineTime.after(withinMs, () => settle({ is: 'late' }));
  const measuring = setInterval(() => {
    if (residentBytes(pid) > LOAD_RSS_MB * MB) settle({ is: 'memory' });
  }, MEASURE_EVERY_MS);
  return () => {
    stopClock();
    clearInterval(measuring);
  };
}

/** The memory of a process; 0 where the system does not say. */
function residentBytes(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

function endOf(code: number | null, signal: string | null, stderr: string): LoadOutcome {
  if (OUT_OF_MEMORY.test(stderr)) return { is: 'memory' };
  return signal === null ? { is: 'exit', code: code ?? 0 } : { is: 'died', how: signal };
}

/** A frame that does not carry the key was written by the plugin. */
function outcomeIn(messages: unknown, key: string): LoadOutcome {
  const [message] = Array.isArray(messages) ? (messages as unknown[]) : [];
  const { key: said, finding } = (message ?? {}) as { key?: unknown; finding?: unknown };
  if (said !== key || !isRecord(finding)) return { is: 'forged' };
  const { is, found, message: text, stack } = finding;
  if (is === 'unfenced' && typeof text === 'string') return { is, message: text };
  if (is === 'error' && typeof text === 'string' && typeof stack === 'string') return { is, message: text, stack };
  const answer = is === 'found' ? answerOf(found) : undefined;
  return answer ? { is: 'found', found: answer } : { is: 'forged' };
}

/**
 * The word of a load process, when it has the shape of an answer: the plugin's own values are checked by those who use
 * them.
 */
function answerOf(said: unknown): FromInside | undefined {
  if (!isRecord(said)) return undefined;
  const { ok, manifest, issues, because, name, message, stack } = said;
  if (ok === true) return isRecord(manifest) && isIssues(issues) ? (said as FromInside) : undefined;
  const isText = [name, message, stack].every((text) => typeof text === 'string');
  return ok === false && isText && REFUSALS.some((one) => one === because) ? (said as FromInside) : undefined;
}

function isIssues(value: unknown): boolean {
  const isIssue = (one: unknown) => isRecord(one) && typeof one.message === 'string' && Array.isArray(one.path);
  return Array.isArray(value) && value.every((list) => Array.isArray(list) && list.every(isIssue));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
