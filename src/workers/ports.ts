import type { Agent } from '../jobs/agent.ts';
import type { Placement } from '../jobs/placement.ts';
import type { AttemptRef } from '../jobs/ports.ts';
import type { WorkerEvents, WorkerPort } from '../jobs/worker-port.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Log, LogLevel, PluginLine } from '../kernel/log.ts';
import type { Admission, CallEnd, OriginDown } from '../kernel/origin.ts';
import type { Measures } from '../kernel/own-series.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { KillSignal } from '../plugin/context.ts';
import type { Rehearsal, RehearsalCall } from './rehearsal.ts';
import type { RoomWait, WorkersView } from './view.ts';
import type { LoadedWorkers } from './work-time.ts';

/** Runs attempts on worker threads in cells. */
export interface Workers extends Service, WorkerPort, LoadedWorkers {
  /**
   * Replaces all placements. New jobs go to a worker of the new fingerprint as soon as one is ready; workers of an older
   * fingerprint finish what they hold and go. An agent that is not among them, or with `workers.max` 0, gets no work.
   */
  use(placements: Iterable<Placement>): void;
  /** How many more workers the host may start now; Infinity: it has no bound. Default: Infinity. */
  room?(): number;
  /** A narrower bound on the workers of all agents but critical ones, for as long as the machine is short; Infinity: that of the host alone. */
  narrow?(most: number): void;
  /** The wait of an agent with due jobs and no worker for its turn; undefined: it does not wait. */
  waitsForRoom?(agent: string): RoomWait | undefined;
  /** The agent as the workers that take its new jobs know it: an older one until a worker of the newest is ready. */
  serving?(agent: string): Agent | undefined;
  /** The least level of the agent's log lines that leave its workers, from now on. */
  level(agent: string, level: LogLevel): void;
  /**
   * Every worker of the agent goes when it has done what it holds; with `now`, jobs that run are stopped and given back, which costs them no
   * attempt. The answer names the workers, and the jobs that ran on them.
   */
  restart(agent: string, now: boolean): { workers: string[]; jobs: string[] };
  /** Takes no new work; resolves when all workers have finished what they hold or `withinMs` is over (the rest is killed and reported as failed attempts with code `HOST_STOPPED`, which costs no attempt). */
  drain(withinMs: number): Promise<void>;
  view(): WorkersView;
  /** The worker takes no new job and goes after the one it holds; another takes its place by need. An unknown worker changes nothing. */
  recycle?(worker: string, why: PlainFault): void;
  /** Keeps on record that the agent is to be set apart, and tells `apart`. Holds until the host ends. */
  ownCell?(agent: string): void;
  /** Whether the worker (`w12`) holds the attempt now. */
  holds?(worker: string, ref: AttemptRef): boolean;
  /** Whether the agent was set apart, or this version of it took its cell down twice: a fact for its next placement. */
  isApart?(agent: Agent): boolean;
}

export interface WorkersNeeds {
  time: Time;
  log: Log;
  events: WorkerEvents;
  /** Answers what a worker asks for its running attempt. Rejections go back to the plugin as errors. `agent`: as the worker was started. */
  answer(call: WorkerCall, agent: Agent): Promise<unknown>;
  /** The values of the agent's declared secrets; rejects with a Fault that names the missing one. */
  secrets(agent: Agent): Promise<Record<string, string>>;
  /**
   * Opens the models to a worker (`w12`) of an agent with `needs.llm`, with a key of its own. Throws the fault of a gateway that is
   * not there. Default: there are no models, and such an agent's workers do not start.
   */
  models?(worker: string, agent: Agent): OpenModels;
  /** Log lines of plugins, in batches, at or above their agent's level. */
  lines(lines: PluginLine[]): void;
  /** A worker ended otherwise than by a drain: crash, kill, load failure. For the record; its attempts come through `events`. */
  gone(end: WorkerEnd): void;
  /** A job that has ended left something behind that threw, the first time of its kind. For the record: nothing else has to be done. */
  leftOver?(found: LeftOver): void;
  /** A reading of each ready worker of a cell, and of the cell itself, taken each second. */
  readings?(list: WorkerReading[], cell: CellReading): void;
  /** The counts of the agent's plugin since the last time, a message a second of each worker at most. */
  measured?(agent: string, measures: Measures): void;
  /** The processes that the agent's attempts own now, with their memory: it counts as their workers'. */
  children?(agent: string): OwnedProcess[];
  /** `isApart` holds for the agent from now on; `use` may be called at once. */
  apart?(agent: string): void;
  /** Processes that the kernel has killed for memory, of the machine and its cgroup. Default: it is not known, and none counts. */
  memoryKills?(): number;
  /** No cell can be shut in as it has to be: no agent with rights can run. */
  unfenced?(fault: PlainFault): void;
  /** A cell is replaced for its memory or files that no worker accounts for. For the record. */
  cellReplaced?(cell: { pid: number; agents: string[]; why: string; killed: boolean }): void;
}

export interface WorkersOptions {
  /** The installation's folder. */
  folder: string;
  /** A folder for cells to run in, empty and kept empty: a worker may always read its process's working directory. */
  emptyFolder: string;
  /** Folders of compiled plugins and libraries, beside those of the installation, that agents without rights are run from. Default none. */
  codeFolders?: string[];
  /** `required`: an agent with rights runs only where the kernel has every fence. Default `best`: what the kernel has. */
  fence?: 'best' | 'required';
  /** An idle worker above its agent's `workers.min` goes after this long, sooner where work comes seldom. Default 60 s. */
  idleMs?: number;
  /** Workers of all agents together, at most, but for those of agents that run always. Default: no bound. */
  most?: number;
  /** Workers in one cell, at most. Default 50. */
  cellSize?: number;
  /** The longest that a worker may take until it is ready. Default 10 s. */
  bootMs?: number;
  /** Only for tests of plugins and rehearsals: what is different for the agent's workers. */
  rehearsal?(agent: string): Rehearsal | undefined;
}

export type { Admission, OriginDown };

/** How a worker reaches models. */
export interface ModelAccess {
  /** `http://127.0.0.1:PORT/v1`. */
  baseURL: string;
  /** The key of the worker; a call's key is `dk-<key>.<job>.<attempt>`. */
  key: string;
  /** The model of calls that name none. */
  model: string;
}

/** Access of one worker to models, until it is closed. */
export interface OpenModels extends ModelAccess {
  /** The key counts no more. */
  close(): void;
}

/** A call of a worker to the host, on behalf of one running attempt. */
export type WorkerCall = AttemptRef & { agent: string } & (
    | { ask: 'beginEffect'; key: string }
    /** `problem`: it was done, and its result cannot be kept. */
    | { ask: 'endEffect'; key: string; result: string | null; problem?: string }
    | { ask: 'dropEffect'; key: string }
    | { ask: 'getState'; key: string }
    | { ask: 'setState'; key: string; value: string }
    | { ask: 'deleteState'; key: string }
    | { ask: 'stateKeys' }
    /** `input` is JSON text. Times in ms. The answer is a {@link SentJob}. */
    | {
        ask: 'send';
        to: string;
        input: string | null;
        key?: string;
        afterMs?: number;
        priority?: number;
        staleAfterMs?: number;
      }
    | { ask: 'emit'; topic: string; data: string | null }
    /** `call` names it within the attempt. */
    | {
        ask: 'exec';
        call: number;
        command: string;
        args: string[];
        input?: string;
        timeoutMs?: number;
        env?: Record<string, string>;
        cwd?: string;
        maxOutputBytes?: number;
      }
    | { ask: 'stopExec'; call: number }
    | { ask: 'kill'; targets: { pid: number; start: number }[]; signal: KillSignal }
    /**
     * Before a call to another server; answered with an {@link Admission}. `alone`: only the origin itself may have it. `again`: it was
     * tried before.
     */
    | { ask: 'admit'; origin: string; timeoutMs?: number; alone: boolean; again?: boolean }
    /** The end of the call; answered with an {@link OriginDown} when it failed and the origin is down, else with null. */
    | { ask: 'fetched'; meant: string; origin: string; pass: number; end: CallEnd }
    | { ask: 'fleetReport'; from?: string; to?: string }
    | { ask: 'fleetHealth' }
    /** `to`: a path as the plugin wrote it. The answer is a {@link StoreCopy}. */
    | { ask: 'backUp'; to: string }
    | { ask: 'proveBackup'; file: string }
    | { ask: 'fleetParts' }
    /** The answer is a {@link DiagnosisQuestion}. */
    | { ask: 'fleetEvidence'; incident: string }
    /** `answer` is JSON text. The answer to the call is a {@link DiagnosisResult}. */
    | { ask: 'fleetDiagnosed'; incident: string; answer: string; model?: string }
    | RehearsalCall
  );

/** A left-over that threw after its job had ended. */
export interface LeftOver {
  worker: string;
  agent: string;
  version: string;
  /** Jobs that may have left it; empty where that is unknown. */
  job: string;
  fault: PlainFault;
}

export interface WorkerEnd {
  worker: string;
  agent: string;
  version: string;
  /** `CRASHED`, `OUT_OF_MEMORY`, `OVER_LIMIT`, `TIMEOUT`, `SILENT`, `BOOT_FAILED`, `CELL_LOST`, `MACHINE_MEMORY`, `CANCELLED`. */
  because: PlainFault;
  uptimeMs: number;
  /** Of the agent that it was started for. */
  fingerprint?: string;
  /** The attempt that ran in it. */
  job?: AttemptRef | null;
  /** All attempts that failed with the worker, `job` among them. Default: `job` alone. */
  failed?: AttemptRef[];
  /** Evidence from before the worker was killed; null when nothing could be had in time. */
  evidence?: Evidence | null;
}

/** Readings of one worker at one moment. */
export interface WorkerReading {
  worker: string;
  agent: string;
  version: string;
  /** Of the agent that it was started for. */
  fingerprint?: string;
  /** The pid of its cell. */
  cell: number;
  /** `time.monotonic()` ms. */
  at: number;
  heapBytes: number;
  externalBytes: number;
  /** Resident memory of the processes that it owns. */
  childrenBytes: number;
  limitBytes: number;
  /** Share of a core since the last reading, 0 … 1; null when the thread did not answer. */
  cpu: number | null;
  /** Event-loop utilisation since the last reading, 0 … 1. */
  loop: number;
  /** False: the worker did not answer within the bound; it is in native code. */
  answers: boolean;
  job: string | null;
  /** The text of the last beat. */
  lastBeat?: string | null;
  /** Since the job in progress last beat, logged or called, in ms; null when none is. */
  quietMs?: number | null;
}

/** Readings of one cell at one moment. */
export interface CellReading {
  pid: number;
  /** `time.monotonic()` ms. */
  at: number;
  workers: number;
  rssBytes: number;
  /** Resident memory that belongs to no worker's account. */
  unaccountedBytes: number;
  /** Open file descriptors; null where the system does not say. */
  fds: number | null;
}

/** A process that an attempt started through the exec broker, outside of its cell. */
export interface OwnedProcess extends AttemptRef {
  pid: number;
  /** The command's name, without arguments. */
  command: string;
  rssBytes: number;
}

/** Evidence from before a worker was killed. Every part is there only if it could be had in time. */
export interface Evidence {
  /** Epoch ms. */
  at: number;
  tookMs: number;
  /** In words: `spins in JavaScript`, `waits in native code`, `waits for a timer, a reply or a promise`, … */
  thread?: string;
  /** Where the thread was, most samples first; author's file and line, share of samples 0 … 1. */
  hot?: { name: string; file: string | null; line: number | null; share: number }[];
  /** Functions that allocated most of the memory that is still held: bytes by function and line, largest first. */
  heap?: { name: string; file: string | null; line: number | null; bytes: number }[];
  memory?: {
    heapBytes: number;
    externalBytes: number;
    childrenBytes: number;
    limitBytes: number;
    perMinuteBytes: number | null;
  };
  lastBeat?: string;
  /** The newest log lines of the worker, oldest first, at most 20. */
  lines?: { at: number; level: string; message: string }[];
  children?: { pid: number; command: string; rssBytes: number }[];
  fault?: PlainFault;
}
