import type { ExecResult } from '../../plugin/context.ts';
import type { OrderFence } from './order-fence.ts';

/** The messages between host and broker. A message names a command by its mark: see {@link envTagOf}. */

/** The environment variable that every process of a command inherits. */
export const ENV_TAG = 'DARUMA_EXEC';

/** `<installation>:<job>:<attempt>:<command>`: whose process it is. Unique for each command that an installation runs. */
export function envTagOf(installation: string, ref: { job: string; attempt: number }, command: string): string {
  return `${installation}:${ref.job}:${ref.attempt}:${command}`;
}

/** The record of a command that is written before it runs: enough to tell its process from a later one with the same pid. */
export interface ChildRecord {
  pid: number;
  /** Field 22 of /proc/<pid>/stat: ticks between boot and the start of the process. */
  start: number;
  mark: string;
}

/** The reason why the broker ended a command. */
export type StopWhy = 'timeout' | 'stopped' | 'ended';

/** The terms with which the host starts a broker. */
export interface BrokerTerms {
  /** The id with which all marks of the installation begin. */
  installation: string;
  /** Scratch folders of attempts; nothing else is in it. */
  scratch: string;
  /** Processes that an earlier broker left; the broker kills them before it runs any command. */
  leftovers: ChildRecord[];
  graceMs: number;
  cgroups: boolean;
}

export type ToBroker =
  | { do: 'begin'; terms: BrokerTerms }
  | { do: 'run'; mark: string; order: BrokerOrder }
  /** The process is on record: the broker lets the command run. */
  | { do: 'open'; mark: string }
  /** The broker kills the command with all that it started. */
  | { do: 'stop'; mark: string; why: StopWhy }
  /** The attempt is over and nothing runs there any more. */
  | { do: 'clear'; scratch: string };

export interface BrokerOrder {
  /** The absolute path of the program. */
  path: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
  /** Folders of the attempt that may have to be made. */
  makes: string[];
  /** null: without a fence. */
  fence: OrderFence | null;
  input: string | null;
  timeoutMs: number | null;
  maxOutputBytes: number;
}

export type FromBroker =
  /** Leftovers are killed, orders are taken. `noCgroup`: why there is none; null when there is one. */
  | { say: 'ready'; killed: number; noCgroup: string | null }
  /** The process is there and waits to be recorded. */
  | { say: 'waiting'; child: ChildRecord }
  /** The job can have its answer; processes of the command may run on. */
  | { say: 'ended'; mark: string; end: BrokerEnd }
  /**
   * No process of the command is left. `left`: how many had to be killed after it had ended by itself; `names`: the first 20. `cpuMs`:
   * the processor time of all that it started.
   */
  | { say: 'gone'; mark: string; left: number; names: ProcessFacts[]; cpuMs: number }
  | { say: 'readings'; children: ({ mark: string } & ProcessFacts)[] };

/** The number of processes left by a command that the broker tells by name. */
export const MOST_NAMES = 20;
/** Processes of all commands together whose memory is told; those beyond count as nothing. */
export const MOST_READINGS = 4_096;

export interface ProcessFacts {
  pid: number;
  command: string;
  rssBytes: number;
}

export type BrokerEnd =
  | { is: 'ended'; result: ExecResult }
  /** The broker stopped the command; the result is what there was by then. */
  | { is: 'stopped'; why: StopWhy; result: ExecResult }
  | { is: 'unstarted'; message: string };
