import type { Log } from '../../kernel/log.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { ExecResult } from '../../plugin/context.ts';
import type { Needs } from '../../plugin/define.ts';

/** Runs commands for attempts, and leaves nothing of them behind. */
export interface Exec extends Service {
  /** Resolves when the command has ended, in whichever way; rejects with a Fault when it was not run or not let end. */
  run(order: ExecOrder): Promise<ExecResult>;
  /** Kills one command of an attempt with all that it started; its `run` rejects with `why`. */
  stopOne(ref: ExecAttempt, call: number): void;
  /** Attempts that ended, in whichever way: what is left of their commands is killed. Most never ran one. */
  ended(attempts: readonly ExecAttempt[]): void;
  /** The processes of the agent's commands, as of the last second. */
  children(agent: string): ExecChild[];
  /** The fence that commands wear. Rejects where the one that is set does not work. */
  fence(): Promise<CommandFence>;
}

export interface ExecAttempt {
  job: string;
  attempt: number;
}

/** The command that a job asks for. */
export interface ExecOrder extends ExecAttempt {
  agent: string;
  /** Names the call within the attempt. */
  call: number;
  command: string;
  args: string[];
  input?: string;
  timeoutMs?: number;
  env?: Record<string, string>;
  /** The folder in which the command runs; a relative path is inside the installation. Default: the attempt's scratch folder. */
  cwd?: string;
  maxOutputBytes?: number;
  /** The needs that the agent was granted. */
  needs: Pick<Required<Needs>, 'exec' | 'read' | 'write'>;
  /** Default: none. */
  network?: ExecNetwork | null;
}

/** A process of a command: the command itself or one that it started. */
export interface ExecChild extends ExecAttempt {
  pid: number;
  /** The name of the process, at most 15 characters. */
  command: string;
  /** Resident memory. */
  rssBytes: number;
}

/** Processes that were there when the attempt had ended, though their command had ended by itself. The broker kills them. */
export interface ExecLeft extends ExecAttempt {
  agent: string;
  command: string;
  count: number;
  /** The first 20 of them. */
  processes: { pid: number; command: string; rssBytes: number }[];
}

/** The fence of a command: namespaces of its own by bubblewrap, the kernel's fences around its process, or none. */
export type CommandFenceKind = 'bwrap' | 'kernel' | 'none';

/** The setting `exec.fence`. `auto`: bubblewrap where it works, else the kernel's fences. */
export type CommandFenceMode = 'auto' | 'bwrap' | 'none';

/** The fence that commands wear on this machine. */
export interface CommandFence {
  fence: CommandFenceKind;
  /** The path of bubblewrap; empty without. */
  program: string;
  /** The layers that the fence lacks, in words; the line that matters most comes first. */
  missing: string[];
}

/** TCP ports that a command may use; null: no network at all. */
export interface ExecNetwork {
  connect: readonly number[] | 'any';
  listen: readonly number[];
}

/** The use that a command made of the machine. */
export interface ExecUsed {
  agent: string;
  cpuMs: number;
}

/** A broker that sent what is no message. */
export interface BrokerBroken {
  why: string;
  agents: string[];
}

export interface ExecNeeds {
  time: Time;
  log: Log;
  /** Reports processes that a command left, once the broker has killed all of them. */
  left(what: ExecLeft): void;
  /** Reports the processor time of a command that is gone, with all that it started. */
  used(what: ExecUsed): void;
  /** The broker was killed for what it sent; `agents`: those whose commands it ran. */
  brokerBroken(what: BrokerBroken): void;
}

export interface ExecServiceOptions {
  /** The installation, absolute. */
  folder: string;
  /** The identity of the folder under every path: a copy must not take the original's commands for its own leftovers. Default: the path. */
  folderId?: string | undefined;
  /** The folder of the record of children and of the scratch folders. */
  runFolder: string;
  /** Commands of one agent that run side by side; the rest waits. Default 4. */
  atATime?: number;
  /** The broker ends when nothing was run for so long. Default 60 s. */
  idleMs?: number;
  /** The time that the processes of a command have between SIGTERM and SIGKILL. Default 1 s. */
  graceMs?: number;
  /** The setting `exec.fence`. Default `auto`. */
  fence?: CommandFenceMode;
  /** Files and folders, absolute, that stay closed to commands inside of folders that are granted. */
  hidden?: readonly string[];
  /** false: do without cgroups even where they can be had. */
  cgroups?: boolean;
}
