import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Duplex } from 'node:stream';
import type { PlainFault } from '../../kernel/fault.ts';
import { type FrameBounds, openFrameChannel } from '../../kernel/frames.ts';
import { stderrTail } from '../../kernel/stderr-tail.ts';
import type { Time } from '../../kernel/time.ts';

/** The host's side of a child that it speaks with by frames on one pipe. */
export interface PipedChild<Outgoing> {
  readonly pid: number | undefined;
  send(message: Outgoing): void;
  /** Bytes for it that lie unread. */
  unread(): number;
  /** `why` is told in place of the signal. */
  kill(why: string): void;
  /** Ends the child, for good; resolves when the process is gone. */
  end(): Promise<void>;
}

/** The program of a child, and the pipe that it speaks on. */
interface PipedProgram<Incoming> {
  /** The arguments of Node: its flags, the file, and the file's own arguments. */
  args: readonly string[];
  cwd: string;
  /** The whole environment of the process. */
  env: Readonly<Record<string, string>>;
  /** How much the child stands back when others want the processor; 0: not at all. */
  niceness: number;
  /** The file handle of the pipe in the child. */
  fd: number;
  bounds: FrameBounds;
  /** Reads one message; throws for what is none, which ends the child. No message of its frame is received then. */
  read(message: unknown): Incoming;
  /** How long the child may take to end by itself when its pipe is closed; default 1 s. */
  endMs?: number;
}

export interface PipedChildNeeds<Incoming> {
  time: Time;
  receive(message: Incoming): void;
  /** A line that it wrote on stderr. */
  wrote?(line: string): void;
  /** The child wrote what is no message, or `receive` threw: it is killed. */
  broken?(why: PlainFault): void;
  /** Called once, unless it was told to end; `how` in words. */
  lost(how: string): void;
}

const STDERR_KEPT = 2_000;
const END_MS = 1_000;

/** Starts a child of Node. The child gets no environment but that of its program, and no file handle but the pipe. */
export function openPipedChild<Outgoing, Incoming>(
  program: PipedProgram<Incoming>,
  needs: PipedChildNeeds<Incoming>,
): PipedChild<Outgoing> {
  const over = Promise.withResolvers<void>();
  let state: 'alive' | 'ending' | 'over' = 'alive';
  let killedFor: string | undefined;
  const child = spawn(process.execPath, program.args, {
    cwd: program.cwd,
    env: { ...program.env },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const pipe = child.stdio[program.fd] as Duplex | null;
  const channel = pipe && openFrameChannel(pipe, { receive, broken }, program.bounds);
  lowerPriority(child, program.niceness);
  const stderr = stderrTail(child.stderr, STDERR_KEPT);
  child.stderr?.on('data', (text: string) => {
    for (const line of text.split('\n')) if (line.trim()) needs.wrote?.(line);
  });
  child.on('error', (error) => {
    if (child.pid === undefined) lost(`could not be started: ${error.message}`);
  });
  child.on('exit', (code, signal) => {
    const how = killedFor ? `was killed: ${killedFor}` : signal ? `was killed by ${signal}` : `ended with code ${code}`;
    const last = killedFor ? undefined : stderr().trim().split('\n')[0];
    lost(last ? `${how}: ${last}` : how);
  });

  function receive(frame: unknown) {
    for (const message of messagesIn(frame, program.read)) if (state === 'alive') needs.receive(message);
  }

  function broken(why: PlainFault) {
    if (state === 'alive') needs.broken?.(why);
    kill(why.message);
  }

  function lost(how: string) {
    if (state === 'over') return;
    const wasEnding = state === 'ending';
    state = 'over';
    over.resolve();
    if (!wasEnding) needs.lost(how);
  }

  function kill(why: string) {
    killedFor ??= why;
    child.kill('SIGKILL');
  }

  return {
    pid: child.pid,
    send(message) {
      // A child that has closed its pipe can be told nothing any more.
      if (pipe?.writable) channel?.send([message], (error) => error && state === 'alive' && child.kill('SIGKILL'));
    },
    unread: () => pipe?.writableLength ?? 0,
    kill,
    async end() {
      if (state === 'alive') state = 'ending';
      pipe?.destroy();
      const stop = needs.time.after(program.endMs ?? END_MS, () => child.kill('SIGKILL'));
      await over.promise;
      stop();
    },
  };
}

/** The messages of a frame, each read; throws when the frame holds anything else. */
export function messagesIn<Incoming>(frame: unknown, read: (message: unknown) => Incoming): Incoming[] {
  if (!Array.isArray(frame)) throw new Error('a frame that holds no messages');
  return frame.map((message) => read(message));
}

function lowerPriority({ pid }: ChildProcess, niceness: number): void {
  try {
    if (pid !== undefined && niceness > 0) setPriority(pid, niceness);
  } catch {
    // The process has ended already, or the system does not allow a lower priority.
  }
}
