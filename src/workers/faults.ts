import type { PlainFault } from '../kernel/fault.ts';
import { formatDuration, formatSize } from '../kernel/units.ts';

/** The sentences of all ends that workers and cells come to by themselves. */
export const workerFaults = {
  timeout: (ms: number): PlainFault => ({
    code: 'TIMEOUT',
    message: `the job did not end within ${formatDuration(ms)} (limits.timeout)`,
    next: 'raise limits.timeout, or find out what it waits for',
  }),
  silent: (ms: number, lastBeat: string): PlainFault => ({
    code: 'SILENT',
    message: `the job showed no progress for ${formatDuration(ms)} (limits.silence)${lastBeat ? `; last beat: ${lastBeat}` : ''}`,
    next: 'call beat() as the work goes on, or raise limits.silence',
  }),
  overLimit: (bytes: number, limit: number, children: number): PlainFault => ({
    code: 'OVER_LIMIT',
    message: `${children > 0 ? `the worker and its processes (${formatSize(children)})` : 'the worker'} held ${formatSize(bytes)}; limits.memory is ${formatSize(limit)}`,
    next: 'look for what it keeps, or raise limits.memory',
    data: { bytes, limit, ...(children > 0 ? { children } : {}) },
  }),
  outOfMemory: (limit: number): PlainFault => ({
    code: 'OUT_OF_MEMORY',
    message: `the worker's heap ran full; limits.memory is ${formatSize(limit)}`,
    next: 'look for what it keeps, or raise limits.memory',
  }),
  crashed: (message: string): PlainFault => ({ code: 'CRASHED', message }),
  notReady: (ms: number): PlainFault => ({
    code: 'BOOT_FAILED',
    message: `the plugin did not load within ${formatDuration(ms)}`,
    next: 'look for an await at the top of the file that never ends',
  }),
  /** A plugin that cannot be loaded; keeps what is known of the cause. */
  unfit: (cause: PlainFault): PlainFault => ({
    ...cause,
    code: 'BOOT_FAILED',
    message: cause.message,
    data: { ...cause.data, cause: cause.code },
  }),
  messageInvalid: (what: string): PlainFault => ({
    code: 'MESSAGE_INVALID',
    message: `its worker sent ${what}`,
    next: 'let the plugin speak through its context only: the ports and the memory of its worker are not its own',
  }),
  callTooLong: (): PlainFault => ({
    code: 'TOO_LARGE',
    message: 'the call is longer than 31 MB of JSON',
    next: 'write it to a file and hand over its path',
  }),
  cellLost: (pid: number | undefined, how: string): PlainFault => ({
    code: 'CELL_LOST',
    message: `the cell${pid === undefined ? '' : ` (pid ${pid})`} that ran the job ${how}`,
  }),
  /** The kernel has chosen a process to kill, for what all of them held together. */
  killedForMemory: (pid: number | undefined): PlainFault => ({
    code: 'MACHINE_MEMORY',
    message: `the machine ran out of memory, and the kernel killed the cell${pid === undefined ? '' : ` (pid ${pid})`} that ran the job`,
    next: 'daruma status; give the machine more memory, or its agents less (limits.memory, workers.max)',
  }),
  cellOutOfMemory: (limit: number): PlainFault => ({
    code: 'OUT_OF_MEMORY',
    message: `the heap ran full so fast that the whole cell died; limits.memory is ${formatSize(limit)}`,
    next: 'look for a Map, Set or array that grows without bound',
  }),
  /** A layer that the kernel offers lets something through. */
  unfenced: (why: string): PlainFault => ({
    code: 'FENCE_FAILED',
    message: `the fences of a cell do not hold (${why}): agents with rights are off`,
    next: 'daruma doctor',
  }),
  fenceMissing: (missing: readonly string[]): PlainFault => ({
    code: 'FENCE_MISSING',
    message: `fence: required, and the kernel lacks a layer (${missing.join('; ')}): agents with rights are off`,
    next: 'run the host where the kernel has it, or set fence: best in config/daruma.yaml',
  }),
  /** For an attempt beside a job that its worker ended of. */
  besideOther: (job: string, { code, message }: PlainFault): PlainFault => ({
    code: 'NEIGHBOUR_FAILED',
    message: `its worker ended of job ${job} beside it (${code}: ${message}); it is tried again, and no attempt is lost`,
    data: { neighbour: job },
  }),
  /** For an attempt that ran beside others when their worker ended, and nobody knows of which. */
  unknownCulprit: (among: number, { code, message }: PlainFault): PlainFault => ({
    code: 'CULPRIT_UNKNOWN',
    message: `its worker ended while ${among} jobs ran in it (${code}: ${message}); each is tried again alone, and no attempt is lost`,
  }),
  restarted: (): PlainFault => ({ code: 'RESTARTED', message: 'its worker was restarted by a person' }),
  hostStopped: (): PlainFault => ({ code: 'HOST_STOPPED', message: 'the host was stopped before the job ended' }),
} as const;
