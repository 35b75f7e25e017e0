import type { FenceReport, FenceTerms } from '../fence/terms.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { LogLevel } from '../kernel/log.ts';
import type { Measures } from '../kernel/own-series.ts';
import type { PoolUse } from './pool-use.ts';
import type { Evidence, ModelAccess, WorkerCall } from './ports.ts';
import type { Rehearsal } from './rehearsal.ts';

/**
 * Messages between host, cell and worker. Host and cell exchange frames (kernel/frames.ts) with arrays: all messages of one
 * turn of a loop travel as one. Inputs and results are JSON text. A number names a worker within its cell, and a sequence
 * number that counts up from 1 names an attempt within its worker: which agent and which job they are, the host knows from
 * the pipe that it opened, and no message says.
 */

/** Host to cell. */
export type ToCell =
  /** The first message: shut yourself in by these terms. `isCritical`: when memory runs out, other cells end before this one. */
  | { do: 'fence'; terms: FenceTerms; isCritical: boolean }
  | { do: 'start'; worker: number; spec: WorkerSpec }
  /** `count` jobs with the sequence numbers `first`, `first + 1`, …; `jobs` is the text of a {@link JobPack}. */
  | { do: 'run'; worker: number; first: number; count: number; jobs: string }
  | { do: 'abort'; worker: number; seq: number; why: PlainFault }
  /** Give back what has not been started. */
  | { do: 'revoke'; worker: number }
  /** End as soon as nothing is held; ends without a fault. */
  | { do: 'close'; worker: number }
  | { do: 'answer'; worker: number; id: number; answer: CallAnswer }
  | { do: 'level'; worker: number; level: LogLevel }
  /** The processes that the worker owns take so much memory now. */
  | { do: 'children'; worker: number; bytes: number }
  /** The host took so many batches of lines. */
  | { do: 'heard'; batches: number }
  /** End the cell, once what was said is sent. */
  | { do: 'end' };

/** Cell to host. */
export type FromCell =
  /** The fences of the cell are up: from now on the host may send it secrets. */
  | { say: 'fenced'; report: FenceReport }
  | { say: 'ready'; worker: number }
  /** Jobs that are done, four values each: sequence number, start in epoch ms, duration in ms, result as JSON text or null. */
  | { say: 'done'; worker: number; flat: (number | string | null)[] }
  | { say: 'ended'; worker: number; end: JobEnd }
  /** Sequence numbers of jobs that were not started and never will be. */
  | { say: 'released'; worker: number; seqs: number[] }
  | { say: 'call'; worker: number; seq: number; id: number; call: BareCall }
  | { say: 'lines'; parts: LinesOfWorker[] }
  | ({ say: 'measured'; worker: number } & Measures)
  | { say: 'left-over'; worker: number; is: LeftOverKind; job: string; fault: PlainFault }
  /**
   * `because: null`: closed as told. `running`: the jobs that were being done. No other attempt that it held has begun.
   */
  | ({ say: 'gone'; worker: number; because: PlainFault | null } & ThreadEnd)
  /** Like `gone`, but the thread could not be stopped: the cell has to be killed. */
  | ({ say: 'unstoppable'; worker: number; because: PlainFault } & ThreadEnd)
  /** `fds`: open file descriptors; null where the system does not say. */
  | { say: 'readings'; rssBytes: number; fds: number | null; workers: Reading[] };

/** The end of a thread, as far as its cell knows. */
export interface ThreadEnd {
  running: Running[];
  /** The jobs that it ended of, each with its fault; empty where that is unknown. */
  culprits: Culprit[];
  found: CellFindings | null;
}

/** A job that its worker ended of. */
export interface Culprit {
  seq: number;
  why: PlainFault;
}

/** Lines that one worker wrote, oldest first. */
export interface LinesOfWorker {
  worker: number;
  lines: ThreadLine[];
}

/** Findings of a cell about a worker before its end; lines and processes are the host's to add. */
export type CellFindings = Omit<Evidence, 'lines' | 'children' | 'fault'>;

/** Cell to worker thread; a string is the text of a {@link JobPack}. */
export type ToWorkerThread =
  | string
  | { do: 'abort'; seq: number; why: PlainFault }
  | { do: 'answer'; id: number; answer: CallAnswer }
  | { do: 'collect' }
  | { do: 'close' };

/** Worker thread to cell; null: there is something in the ring of shared memory. */
export type FromWorkerThread =
  | null
  | { say: 'ready' }
  | { say: 'unfit'; thrown: Thrown }
  | { say: 'ended'; seq: number; startedAt: number; durationMs: number; summary?: string; end: RunEnd }
  | { say: 'call'; seq: number; id: number; call: BareCall }
  | { say: 'lines'; lines: ThreadLine[] }
  | ({ say: 'measured' } & Measures)
  /** The thread cannot note the jobs that it begins, and begins no more. */
  | { say: 'unmarked' }
  /** The plugin ends its own thread. */
  | { say: 'exit'; code: number; seq: number | null; thrown: Thrown }
  /** The plugin threw an error that no code catches: its thread ends. `seq`: of the job whose code threw it; null where that is unknown. */
  | { say: 'crashed'; seq: number | null; thrown: Thrown }
  /** The thread goes on. */
  | { say: 'left-over'; is: LeftOverKind; job: string; thrown: Thrown };

/**
 * An error that no code catches · a timer that runs on · a connection that the job did not give back · a connection that
 * the job has had for long, and still has.
 */
export const LEFT_OVERS = ['error', 'timer', 'connection', 'held'] as const;
type LeftOverKind = (typeof LEFT_OVERS)[number];

/** First the sequence number, then five values a job: id, attempt, trigger, slot, input. */
export type JobPack = (number | string | null)[];
export const PACK_FIELDS = 5;

/** How `run` ended, as the thread tells it. `retry` as in Outcome. */
export type RunEnd = { is: 'done'; result: string | null } | { is: 'failed'; thrown: Thrown; retry: boolean | number };

/** A job's end that is not a plain `done`. */
export type JobEnd = { seq: number; startedAt: number; durationMs: number; summary?: string } & (
  | { is: 'done'; result: string | null }
  | { is: 'failed'; fault: PlainFault; retry: boolean | number }
);

/**
 * A thrown value, before its stack is mapped to the author's lines. `placedAt: 'run'`: where no line of the author's is
 * in its stack (what is no Error has none), the plugin's `run` is its place. `isFinal`: Daruma's own word that no other
 * attempt can help.
 */
export type Thrown = PlainFault & { placedAt?: 'run'; isFinal?: true };

/** A job that runs. */
export interface Running {
  seq: number;
  /** Epoch ms. */
  startedAt: number;
  /** Since it last beat, logged or called. */
  quietMs: number;
  /** The text of its last beat; empty without one. */
  lastBeat: string;
}

/** Where a worker notes the job that it begins, in the file that its host opened for the cell, and the key of its notes. */
export interface MarkerPlace {
  at: number;
  key: number;
}

/** Bytes of a note in the file of {@link StartedMarkers}. */
export const MARKER_BYTES = 8;

/**
 * Writes the note that the job with this sequence number begins. A plugin that does not know the key of a place cannot
 * make a valid note.
 */
export function writeMarker(note: Buffer, seq: number, key: number): void {
  note.writeInt32LE(seq);
  note.writeInt32LE(seq ^ key, 4);
}

/** Calls of a worker that may wait for their answer at a time. Thread, cell and host each keep to it. */
export const OPEN_CALLS = 1_000;

/** A call without what the host knows by itself. */
export type BareCall = WithoutRef<WorkerCall>;
type WithoutRef<T> = T extends unknown ? Omit<T, 'job' | 'attempt' | 'agent'> : never;

export type CallAnswer = { is: 'answer'; value: unknown } | { is: 'refused'; fault: PlainFault };

export interface ThreadLine {
  at: number;
  level: LogLevel;
  job: string;
  message: string;
  data: string | null;
}

/** Readings of a worker at one moment, as its cell has them; null while unknown. */
export interface Reading {
  worker: number;
  heapBytes: number | null;
  externalBytes: number | null;
  /** Share of a core since the last reading. */
  cpu: number | null;
  /** Event-loop utilisation since the last reading. */
  loop: number;
  /** False: the worker has not answered for two seconds, so it is in native code. */
  answers: boolean;
  /** The oldest first. */
  running: Running[];
  pools: PoolUse | null;
}

/** All that a cell needs to start a worker. */
export interface WorkerSpec {
  agent: string;
  /** Absolute path of the bundle. */
  file: string;
  mapFile: string;
  folder: string;
  settings: unknown;
  secrets: Record<string, string>;
  env: Record<string, string>;
  execArgv: string[];
  /** How many jobs it does side by side. */
  concurrency: number;
  limits: { memoryBytes: number; timeoutMs: number; silenceMs: number; graceMs: number; bootMs: number };
  net: string[];
  modules: string[];
  fleet: boolean;
  /** null: without `needs.llm`. */
  llm: ModelAccess | null;
  level: LogLevel;
  /** V8 keeps a record of its code from the start: dear, and the only way to name the line of a loop that spins already. */
  traced: boolean;
  markerPlace: MarkerPlace | null;
  /** Only in a test of a plugin. */
  rehearsal?: Pick<Rehearsal, 'now' | 'net' | 'learns' | 'dryRun'>;
}

/** Gathers what is said within one turn of the loop and sends it as one array. */
interface Outbox<Message> {
  put(message: Message): void;
  /** Sends what is gathered now. */
  flush(): void;
}

/** `send` is called with at least one message, after the code that put them has run to its end. */
export function createOutbox<Message>(send: (messages: Message[]) => void): Outbox<Message> {
  let messages: Message[] = [];

  function flush() {
    if (messages.length === 0) return;
    const batch = messages;
    messages = [];
    send(batch);
  }

  return {
    put(message) {
      if (messages.push(message) === 1) process.nextTick(flush);
    },
    flush,
  };
}
