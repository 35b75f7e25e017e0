import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { authoritiesOfNode } from '../fence/authorities.ts';
import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { openFrameChannel } from '../kernel/frames.ts';
import { entryFile } from '../kernel/paths.ts';
import { stderrTail } from '../kernel/stderr-tail.ts';
import type { Time } from '../kernel/time.ts';
import { CHANNEL_FD, FROM_CELL, readFromCell } from './cell-messages.ts';
import { workerFaults } from './faults.ts';
import { cellFlags } from './permissions.ts';
import { openStartedMarkers } from './started-markers.ts';
import { createOutbox, type FromCell, type MarkerPlace, type ToCell } from './wire.ts';

const CELL = fileURLToPath(entryFile('workers/inside/cell.js'));
/** Names of the host's environment that a cell gets; none of them is a secret. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
/** Files, DNS and compression share this pool: with Node's four threads one agent that waits for a dead disk stops all. */
const POOL_THREADS = '16';
/** Each thread of a cell would have a heap of the C library of its own, and most of each lies empty: 0.7 MB a cell. */
const C_HEAPS = '2';
const STDERR_KEPT = 4_096;
/** After a cell has died, its last messages are read until its channel closes, at most for this long. */
const LAST_WORDS_MS = 500;
/** A cell that was told to end gets this long to send what it holds. */
const END_MS = 500;
/** A killed cell that has not ended by then stands in the kernel until a device answers; its program runs no further. */
const GONE_WITHIN_MS = 5_000;

interface CellProcessNeeds {
  time: Time;
  /** Called with what the cell says, as far as it is well formed. An error that it throws ends the cell. */
  receive(messages: FromCell[]): void;
  /** The cell sent what is no message of a cell, or one that could not be handled; it is killed. */
  broken(why: PlainFault): void;
  /** Called once, after everything that it said was heard. */
  lost(how: CellLoss): void;
}

export interface CellProcessOptions {
  cwd: string;
  folder: string;
  /** Paths that its main thread may read by Node's flags; undefined: everything, because Landlock narrows it. */
  read?: readonly string[] | undefined;
}

export interface CellLoss {
  /** The fault with which the attempts of this cell have failed. */
  fault: PlainFault;
  outOfMemory: boolean;
  /** SIGKILL ended it, and this host did not send that. */
  isForeignKill: boolean;
}

/** A child process that holds worker threads. A cell can always be killed. */
export interface CellProcess {
  readonly pid: number | undefined;
  post(message: ToCell): void;
  /** A place in the file of notes for one more worker; null without one. */
  place(): MarkerPlace | null;
  /** See {@link StartedMarkers.lastBegun}; undefined when it is not known. */
  lastBegun(place: MarkerPlace | null): number | undefined;
  /** `why` is told in place of the signal. The cell counts as lost when it has ended, and at the latest after {@link GONE_WITHIN_MS}. */
  kill(why?: string): void;
  /** Lets the cell send what it holds, then kills the process. */
  end(): Promise<void>;
}

/** Starts a cell. Messages that are posted before the cell runs wait for it. */
export function openCellProcess(needs: CellProcessNeeds, options: CellProcessOptions): CellProcess {
  const startedMarkers = openStartedMarkers('daruma-cell-');
  let isOver = false;
  let killedFor: string | undefined;
  let stopWaiting: (() => void) | undefined;
  let isForeignKill = false;
  let isOrdered = false;
  const over = Promise.withResolvers<void>();
  const child = forkCell(options, startedMarkers?.fd);
  child?.stdout?.on('error', () => {}).resume();
  const stderr = stderrTail(child?.stderr, STDERR_KEPT);
  const pipe = child?.stdio[CHANNEL_FD] as Duplex | null | undefined;
  const channel = pipe && openFrameChannel(pipe, { receive, broken }, FROM_CELL);
  child?.on('error', (error) => {
    if (child.pid === undefined) lost(`could not be started: ${error.message}`);
  });
  child?.on('exit', (code, signal) => {
    isForeignKill = signal === 'SIGKILL' && !isOrdered;
    const how = killedFor ? `was killed: ${killedFor}` : signal ? `was killed by ${signal}` : `ended with code ${code}`;
    if (!pipe || pipe.destroyed) return lost(how);
    const stop = needs.time.after(LAST_WORDS_MS, () => lost(how));
    pipe.once('close', () => {
      stop();
      lost(how);
    });
  });
  // A plugin has closed the descriptor or replaced it by a socket of its own: the cell cannot be reached any more.
  pipe?.once('close', () => needs.time.after(LAST_WORDS_MS, () => kill('its channel was closed')));
  if (!child) setImmediate(lost, 'could not be started: the machine has no memory for it');

  const outbox = createOutbox<ToCell>((messages) => {
    // A pipe that is closed means a process that is ending or useless: its exit tells the rest.
    if (!pipe?.writable) return;
    try {
      channel?.send(messages, (error) => error && kill());
    } catch (error) {
      broken(toPlainFault(error));
    }
  });

  function receive(message: unknown) {
    if (!isOver) needs.receive(readFromCell(message));
  }

  function broken(why: PlainFault) {
    needs.broken(why);
    kill(why.message);
  }

  function lost(how: string) {
    if (isOver) return;
    isOver = true;
    stopWaiting?.();
    const outOfMemory = /heap out of memory|Allocation failed/i.test(stderr());
    needs.lost({ outOfMemory, isForeignKill, fault: workerFaults.cellLost(child?.pid, how) });
    startedMarkers?.close();
    over.resolve();
  }

  function kill(why?: string) {
    if (isOver) return;
    killedFor ??= why;
    isOrdered = true;
    child?.kill('SIGKILL');
    stopWaiting ??= needs.time.after(GONE_WITHIN_MS, leave);
  }

  /** Nothing of the host may wait for the process any more, its own end included. */
  function leave() {
    for (const stream of child?.stdio ?? []) stream?.destroy();
    child?.unref();
    lost(`was killed${killedFor ? `: ${killedFor}` : ''}; it waits in the kernel for a device that does not answer`);
  }

  return {
    pid: child?.pid,
    post: outbox.put,
    place: () => startedMarkers?.place() ?? null,
    lastBegun(place) {
      if (child?.pid === undefined) return 0;
      return startedMarkers && place ? startedMarkers.lastBegun(place) : undefined;
    },
    kill,
    async end() {
      outbox.put({ do: 'end' });
      const stop = needs.time.after(END_MS, kill);
      await over.promise;
      stop();
    },
  };
}

function forkCell(options: CellProcessOptions, startedMarkers: number | undefined): ChildProcess | undefined {
  try {
    mkdirSync(options.cwd, { recursive: true });
    return spawn(process.execPath, [...cellFlags(options.read), CELL, options.folder, String(process.pid)], {
      cwd: options.cwd,
      env: scrubbed(process.env),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', startedMarkers ?? 'ignore'],
    });
  } catch {
    return undefined;
  }
}

function scrubbed(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = { UV_THREADPOOL_SIZE: POOL_THREADS, MALLOC_ARENA_MAX: C_HEAPS };
  const kept: NodeJS.ProcessEnv = { ...own, ...authoritiesOfNode(env) };
  for (const name of PASSED_ON) if (env[name] !== undefined) kept[name] = env[name];
  return kept;
}
