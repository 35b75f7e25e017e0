import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url));

/** System calls that reach the disk. Node's SQLite flushes by `fsync`; `fdatasync` is there in case that it changes. */
export const SYSCALLS = ['pwrite64', 'fsync', 'fdatasync', 'ftruncate'] as const;
export type Syscall = (typeof SYSCALLS)[number];

/** The nth such call of a thread fails with that error, and does nothing. */
export interface Fault {
  syscall: Syscall;
  error: 'EIO' | 'ENOSPC';
  nth: number;
}

export interface WriterRun {
  file: string;
  /** Default: until it is killed. */
  calls?: number;
  end: 'stop' | 'kill' | 'kill-when-refused';
  seed: number;
  /** SIGKILL as soon as it has told of so many calls; it may be anywhere in the next one. */
  killedAfter?: number;
  fault?: Fault;
}

export interface WriterEnd {
  text: string;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The call that the fault met; undefined when the fault never came. */
  struck?: Struck;
}

export interface Struck {
  /** The start, a call by its number, or the stop. */
  during: 'start' | 'stop' | number;
  /** The call was the flush of a folder, and of no file. */
  isFolder: boolean;
}

/** Whether strace is there and may trace: without it no fault can be put in. */
export function canTrace(): boolean {
  return spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', 'true']).status === 0;
}

/** Runs a writer to its end, under strace when a fault is asked for. */
export async function runWriter(run: WriterRun): Promise<WriterEnd> {
  const { file, calls = 1_000_000, end, seed, killedAfter, fault } = run;
  const trace = `${file}.trace`;
  const [command, ...args] = [...(fault ? traced(trace, fault) : []), process.execPath, WRITER];
  const child = spawn(command!, [...args, file, `${calls}`, end, `${seed}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    if (killedAfter !== undefined && text.split('\nA ').length > killedAfter) child.kill('SIGKILL');
  });
  const [code, signal] = await once(child, 'close');
  const struck = fault && struckAt(readFileSync(trace, 'utf8'));
  return { text, code, signal, ...(struck === undefined ? {} : { struck }) };
}

function traced(trace: string, { syscall, error, nth }: Fault): string[] {
  const inject = `inject=${syscall}:error=${error}:when=${nth}`;
  const watch = `trace=${SYSCALLS.join()},write`;
  return [
    'strace',
    '-f',
    '-y',
    '--seccomp-bpf',
    '-qq',
    '-s',
    '40',
    '-o',
    trace,
    '-e',
    'signal=none',
    '-e',
    watch,
    '-e',
    inject,
  ];
}

/** The lines of the writer go through the trace as well, so the fault stands between two of them. */
function struckAt(trace: string): Struck | undefined {
  let during: Struck['during'] = 'start';
  const paths = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const thread = line.split(' ', 1)[0]!;
    const path = /^\d+ +\w+\(\d+<([^>]*)>/.exec(line)?.[1];
    // A call that another thread interrupts has its end on a line of its own, without the path.
    if (path !== undefined) paths.set(thread, path);
    if (line.includes('(INJECTED)')) return { during, isFolder: !paths.get(thread)?.includes('.db') };
    const told = /write\(1<.*?>, "([BC]) ?(\d*)/.exec(line);
    if (told) during = told[1] === 'C' ? 'stop' : Number(told[2]);
  }
  return undefined;
}
