import type { ExecResult } from '../../plugin/context.ts';
import type { OrderFence } from './order-fence.ts';

/** What host and broker say to one another, one message each. A command is named by its mark: see {@link envTagOf}. */

/** The environment variable that every process of a command inherits. */
export const ENV_TAG = 'DARUMA_EXEC';

/** `<installation>:<job>:<attempt>:<command>`: whose process it is. Unique for each command that an installation runs. */
export function envTagOf(installation: string, ref: { job: string; attempt: number }, command: string): string {
  return `${installation}:${ref.job}:${ref.attempt}:${command}`;
}

/** What is written down of a command before it runs: enough to know it again, whoever holds its pid by then. */
export interface ChildRecord {
  pid: number;
  /** Field 22 of /proc/<pid>/stat: ticks between boot and the start of the process. */
  start: number;
  mark: string;
}

/** Why a command was not let end by itself. */
export type StopWhy = 'timeout' | 'stopped' | 'ended';

/** What the broker is started with. */
export interface BrokerTerms {
  /** Marks begin with it. */
  installation: string;
  /** Scratch folders of attempts; nothing else is in it. */
  scratch: string;
  /** What an earlier broker left; killed before anything is run. */
  leftovers: ChildRecord[];
  graceMs: number;
  cgroups: boolean;
}

export type ToBroker =
  | { do: 'begin'; terms: BrokerTerms }
  | { do: 'run'; mark: string; order: BrokerOrder }
  /** It is recorded: let it run. */
  | { do: 'open'; mark: string }
  /** Kill it with all that it started. */
  | { do: 'stop'; mark: string; why: StopWhy }
  /** The attempt is over and nothing runs there any more. */
  | { do: 'clear'; scratch: string };

export interface BrokerOrder {
  /** Absolute. */
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
  /** The caller can have its answer; something of it may run on. */
  | { say: 'ended'; mark: string; end: BrokerEnd }
  /** No process of it is left. `left`: those that had to be killed after it had ended by itself; the first 20 by name. */
  | { say: 'gone'; mark: string; left: number; names: ProcessFacts[] }
  | { say: 'readings'; children: ({ mark: string } & ProcessFacts)[] };

/** Of what a command left, so many processes are told by name. */
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
  /** As far as it came. */
  | { is: 'stopped'; why: StopWhy; result: ExecResult }
  | { is: 'unstarted'; message: string };
