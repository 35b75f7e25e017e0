/** The rights of a fenced process. Paths are absolute; the fence refuses every access that these terms do not name. */
export interface FenceTerms {
  /** Files and folders that may be read. */
  read: readonly string[];
  /** Files and folders that may be read, written, made and removed. */
  write: readonly string[];
  /** True: a process of root may go on using granted files of other users. Default false. */
  othersFiles?: boolean;
  /**
   * Programs, and folders of them, that may be read and started, as for a process that becomes a command. Default none, and no
   * process can be started at all.
   */
  execute?: readonly string[];
  /** TCP ports that may be connected to; `any`: all of them; null: no socket of any kind. */
  ports: readonly number[] | 'any' | null;
  /** TCP ports that may be listened on. Default none. */
  listen?: readonly number[];
  /** The process that started this one, which then ends with it, whatever it does. Default: it may outlive it. */
  parent?: number;
}

/**
 * The fences that hold. `full`: every layer · `partial`: the kernel lacks a layer, or a part of one · `node`: the flags of Node
 * alone · `none`: a fence that the kernel offers let something through.
 */
type FenceLevel = 'full' | 'partial' | 'node' | 'none';

/**
 * The end of a trial to get out. `kernel`: the kernel refused it · `node`: only Node's own flags did · `granted`: the terms allow it ·
 * `open`: nobody refused it.
 */
export type Refusal = 'kernel' | 'node' | 'granted' | 'open';

/** Trials that a process makes after its fences are up, each with its end. */
export interface FenceTrials {
  /** The trial to open a file outside. */
  files: Refusal;
  /** The trial to make a socket (without ports), or to connect to another port. */
  network: Refusal;
  /** The trial to make a unix socket. */
  unixSockets: Refusal;
  /** The trial to signal the process that started this one. */
  signals: Refusal;
  /** The trial to start a program. */
  commands: Refusal;
}

/** The fences of one process, as it found them. */
export interface FenceReport {
  fence: FenceLevel;
  /** The version of Landlock's interface in force; 0: none. */
  landlock: number;
  /** True: the filter of system calls is in force. */
  seccomp: boolean;
  /** Capabilities left, as the kernel's bit mask in hexadecimal digits; `0` for none. */
  caps: string;
  tried: FenceTrials;
  /** The layers that are missing, in words; the line that matters most comes first. */
  missing: string[];
  /** The time that the fences took to go up, in ms. */
  tookMs: number;
}

/** Landlock's version with every layer that is used: files, TCP ports, signals and abstract sockets. */
export const WHOLE_LANDLOCK = 6;
export const PORTS_LANDLOCK = 4;

/** The names of the trials that nobody refused. */
export function openTrials(tried: FenceTrials): string[] {
  return Object.entries(tried).flatMap(([what, by]) => (by === 'open' ? what : []));
}

/** Judges what a process found: a layer that is offered and lets something through is no fence. */
export function fenceLevelOf(found: Pick<FenceReport, 'landlock' | 'seccomp' | 'tried'>): FenceLevel {
  if (openTrials(found.tried).length > 0) return 'none';
  if (found.landlock >= WHOLE_LANDLOCK && found.seccomp) return 'full';
  return found.landlock > 0 || found.seccomp ? 'partial' : 'node';
}

/** Says in words which layers a level lacks, and what follows for the plugins in the process. */
export function missingLayers({ landlock, seccomp }: Pick<FenceReport, 'landlock' | 'seccomp'>): string[] {
  const missing: string[] = [];
  if (landlock === 0) missing.push('files: by Node only, the kernel offers no Landlock (5.13 or newer, lsm=landlock)');
  else if (landlock < PORTS_LANDLOCK) missing.push('ports: by Node only, Landlock 4 is needed (Linux 6.7)');
  else if (landlock < WHOLE_LANDLOCK) missing.push('abstract sockets: by the filter only (Landlock 6 is Linux 6.12)');
  if (!seccomp) missing.push('signals, programs, unix sockets: by Node only, no filter of system calls can be put up');
  return missing;
}
