import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PlainFault } from '../kernel/fault.ts';
import { entryFile } from '../kernel/paths.ts';
import type { Time } from '../kernel/time.ts';
import { workerFaults } from './faults.ts';
import { createOutbox } from './outbox.ts';
import { openStartedMarkers, STARTED_MARKER_BYTES } from './started-markers.ts';
import type { FromCell, ToCell } from './wire.ts';

const CELL = fileURLToPath(entryFile('workers/inside/cell.js'));
/** Names of the host's environment that a cell gets; none of them is a secret. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
/** Files, DNS and compression share this pool: with Node's four threads one agent that waits for a dead disk stops all. */
const POOL_THREADS = '16';
const STDERR_KEPT = 4_096;
/** What a cell said before it died is read until its channel closes; at most this long. */
const LAST_WORDS_MS = 500;
/** A cell that was told to end gets this long to send what it holds. */
const END_MS = 500;

interface CellProcessNeeds {
  time: Time;
  receive(messages: FromCell[]): void;
  /** Called once, after everything that it said was heard. */
  lost(how: CellLoss): void;
}

export interface CellLoss {
  /** What the attempts that it ran are told to have failed of. */
  fault: PlainFault;
  outOfMemory: boolean;
}

/** A child process that holds worker threads. It can always be killed. */
export interface CellProcess {
  readonly pid: number | undefined;
  post(message: ToCell): void;
  /** A new place in the ledger; null without one. */
  place(): number | null;
  /** See Ledger; undefined when it is not known. */
  lastBegun(at: number | null): number | undefined;
  /** `why` is told in place of the signal. */
  kill(why?: string): void;
  /** Lets it send what it holds, then kills it. */
  end(): Promise<void>;
}

/** Starts one. Messages told before it runs are waiting for it. */
export function openCellProcess(needs: CellProcessNeeds, options: { cwd: string; folder: string }): CellProcess {
  const startedMarkers = openStartedMarkers(`daruma-cell-${randomUUID()}`);
  let places = 0;
  let isOver = false;
  let stderr = '';
  let killedFor: string | undefined;
  const over = Promise.withResolvers<void>();
  const child = forkCell(options, startedMarkers?.fd);
  for (const stream of [child?.stdout, child?.stderr]) stream?.on('error', () => {});
  child?.stdout?.resume();
  child?.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  child?.on('message', (messages) => {
    if (!isOver) needs.receive(messages as FromCell[]);
  });
  child?.on('error', (error) => {
    if (child.pid === undefined) lost(`could not be started: ${error.message}`);
  });
  child?.on('exit', (code, signal) => {
    const how = killedFor ? `was killed: ${killedFor}` : signal ? `was killed by ${signal}` : `ended with code ${code}`;
    if (!child.connected) return lost(how);
    const stop = needs.time.after(LAST_WORDS_MS, () => lost(how));
    child.once('disconnect', () => {
      stop();
      // Messages that were read with the end of the channel come first.
      setImmediate(lost, how);
    });
  });
  if (!child) setImmediate(lost, 'could not be started: the machine has no memory for it');

  const outbox = createOutbox<ToCell>((messages) => {
    // A channel that is closed means a process that is ending or useless: its exit tells the rest.
    if (child?.connected) child.send(messages, undefined, {}, (error) => error && kill());
  });

  function lost(how: string) {
    if (isOver) return;
    isOver = true;
    const outOfMemory = /heap out of memory|Allocation failed/i.test(stderr);
    needs.lost({ outOfMemory, fault: workerFaults.cellLost(child?.pid, how) });
    startedMarkers?.close();
    over.resolve();
  }

  function kill(why?: string) {
    if (isOver) return;
    killedFor ??= why;
    child?.kill('SIGKILL');
  }

  return {
    pid: child?.pid,
    post: outbox.put,
    place: () => (startedMarkers ? STARTED_MARKER_BYTES * places++ : null),
    lastBegun(at) {
      if (child?.pid === undefined) return 0;
      return startedMarkers && at !== null ? startedMarkers.lastBegun(at) : undefined;
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

function forkCell(
  options: { cwd: string; folder: string },
  startedMarkers: number | undefined,
): ChildProcess | undefined {
  try {
    mkdirSync(options.cwd, { recursive: true });
    return fork(CELL, [options.folder], {
      cwd: options.cwd,
      env: scrubbed(process.env),
      execArgv: ['--no-warnings'],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', startedMarkers ?? 'ignore'],
    });
  } catch {
    return undefined;
  }
}

function scrubbed(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = { UV_THREADPOOL_SIZE: POOL_THREADS };
  for (const name of PASSED_ON) if (env[name] !== undefined) kept[name] = env[name];
  return kept;
}
