import type { Command } from 'commander';
import type { ControlClient } from '../control/client.ts';
import type {
  BackupView,
  CommandFenceView,
  DoctorCheck,
  FenceView,
  Op,
  Ops,
  PluginAsks,
  RestoreView,
  StoreView,
  VerifiedView,
} from '../control/protocol.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Time } from '../kernel/time.ts';
import type { Paint } from './text/paint.ts';

/** The last known state of an installation whose host is down, read-only. */
export interface Offline {
  ask(op: string, args: unknown): Promise<unknown>;
  close(): void;
  /** When the host last gave a sign of life, ISO 8601; null when it never did. */
  lastSign: string | null;
}

/** Backups of one installation, without its host. */
interface OfflineBackups {
  list(): BackupView[];
  verify(file: string): Promise<VerifiedView>;
  restore(file: string): Promise<RestoreView>;
  packages(): RestoreView['packages'];
}

/** Looks at the store of an installation, and mends it where no host does. */
interface StoreRepairs {
  /** Beside a running host, too. */
  lookAtStore(folder: string): Promise<Omit<StoreView, 'mended'>>;
  /** Sets aside what cannot be read; rejects with `HOST_RUNNING` where one runs. Returns how many rows. */
  mendStore(folder: string): Promise<number>;
}

/** Calls of `main.ts` that the command line cannot do itself: it may import the host. */
export interface HostLauncher {
  /** Runs a host under a guardian until it has ended. */
  start(options: { folder: string; json: boolean; safe: boolean }): Promise<number>;
  /** Runs a host alone. `dev`: from sources, too. */
  host(options: { folder: string; json: boolean; safe: boolean; dev?: boolean }): Promise<number>;
  offline(folder: string): Promise<Offline>;
  /** Looks at the files of plugins and agents without a host; nothing in the folder changes. */
  check(folder: string): Promise<Ops['check']['value']>;
  /** The rights and settings that a plugin asks for, though no agent runs it; `file` is relative to `folder`, where its imports begin. */
  readPlugin(folder: string, file: string): Promise<PluginAsks>;
  /** The checks of the folder while no host runs. */
  doctor(folder: string): Promise<Ops['doctor']['value']>;
  /** Has SQLite look at the file of the store, beside a running host too. */
  checkStoreFile(folder: string): Promise<DoctorCheck>;
  /** Starts a cell without an agent, and resolves with what it found when it had shut itself in. */
  fence(folder: string): Promise<FenceView>;
  /** The fence that commands wear by the settings of the folder; rejects where the one that is set does not work. */
  commandFence(folder: string): Promise<CommandFenceView>;
  backups(folder: string): Promise<OfflineBackups>;
  store(): Promise<StoreRepairs>;
}

/** The result of a command: one JSON value, the same for people, and the exit code (0 if not said). */
export interface CommandResult {
  json: unknown;
  lines: string[];
  code?: number;
}

/** The words behind a command, as its usage names them; a word that may be left out is undefined then. */
export type Words = readonly (string | undefined)[];

/** The surroundings that every command is given. */
export interface Stage {
  folder: string;
  json: boolean;
  /** For stdout; plain with `--json`. */
  paint: Paint;
  /** For stderr. */
  paintNote: Paint;
  /** Places in a line, 100 at most. */
  width: number;
  clock: Clock;
  time: Time;
  launcher: HostLauncher;
  /** A line of the result, on stdout; commands in it as they are typed here, unless it quotes what others wrote. */
  out(line: string, verbatim?: boolean): void;
  /** A line of progress, on stderr; the same. */
  note(line: string, verbatim?: boolean): void;
  /** A new connection to the host, `via` in the audit; the first failure is code `HOST_DOWN`. Closed when the command is over. */
  connect(via?: string): Promise<ControlClient>;
  /** Asks the host one thing on the command's own connection; code `HOST_SILENT` when no answer comes within `withinMs` (10 s). */
  ask<O extends Op>(op: O, args: Ops[O]['args'], withinMs?: number): Promise<Ops[O]['value']>;
  /** Like `ask`; when the host is down, the last known state answers, stderr says so, and the exit code is to be 4. */
  askAnyway<O extends Op>(op: O, args: Ops[O]['args']): Promise<{ value: Ops[O]['value']; down: boolean }>;
  close(): void;
}

/** Options that every command takes. */
export interface GlobalOptions {
  dir?: string;
  json?: boolean;
}

/** An option of a command, as its help shows it. */
export interface CommandOption {
  /** `-n, --times <n>`. */
  flags: string;
  about: string;
  default?: string | number;
  /** The option may be given more than once. */
  repeats?: boolean;
}

/** An option that is an argument of an operation: its value is read as its kind says, `least` and `most` included. */
export interface OptionRow extends CommandOption {
  is: 'flag' | 'text' | 'json' | 'time' | 'length' | 'count' | 'word' | 'words';
  words?: readonly string[];
  least?: number;
  most?: number;
}

/** Does what a command is for. A number is the exit code of a command that wrote for itself. */
type CommandRun = (stage: Stage, args: Words, options: never) => Promise<CommandResult | number>;

/** A command: a row of agent-commands.ts or host-commands.ts. */
export interface CommandRow {
  /** `why <agent>`: the word of the command, and its arguments. */
  usage: string;
  about: string;
  /** Options that come out of the rows of operations. */
  options?: readonly CommandOption[];
  /** Options that only the command line has: how it prints, how long it waits, what it does in files. */
  own?: readonly CommandOption[];
  /** Loads the file of the command, which nothing else loads. Left out: the command is only the word before others. */
  run?: (program: Command) => Promise<CommandRun>;
  below?: readonly CommandRow[];
  isHidden?: boolean;
  /** The command works in the current folder, an installation or not. */
  anyFolder?: boolean;
  /** The command goes on when its output is not read. */
  outlivesReaders?: boolean;
  /** The lines of the command quote what others wrote: no command in them is a hint of ours. */
  isVerbatim?: boolean;
}
