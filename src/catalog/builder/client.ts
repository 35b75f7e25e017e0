import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { openFrameChannel } from '../../kernel/frames.ts';
import { given } from '../../kernel/given.ts';
import type { Log } from '../../kernel/log.ts';
import { entryFile } from '../../kernel/paths.ts';
import { stderrTail } from '../../kernel/stderr-tail.ts';
import type { Time } from '../../kernel/time.ts';
import {
  BUILDER_BOUNDS,
  type CompileAnswer,
  type CompileRequest,
  type FromBuilder,
  type InspectAnswer,
  type InspectRequest,
  type ToBuilder,
} from './messages.ts';

/**
 * The host's side of the builder: a process that is started when something is to be compiled or inspected, kept warm
 * for a while, and killed when a request outlives its deadline. A request whose builder dies under it is tried once
 * more, alone: so the one plugin that kills is told from those that were only beside it.
 */
export interface Builder {
  /** Starts the process if there is none: a request is expected soon. */
  warm(): void;
  /** Rejects with a {@link Fault}: `BUILDER_TIMEOUT`, `BUILDER_KILLED`, `BUILDER_FAILED`, `STOPPED`. */
  compile(ask: Omit<CompileRequest, 'ask'>): Promise<CompileAnswer>;
  /** Rejects as {@link Builder.compile} does; what a plugin does when it is loaded is a fault in the answer. */
  inspect(ask: Omit<InspectRequest, 'ask' | 'withinMs'>): Promise<InspectAnswer>;
  /** The pid while there is a process. */
  pid(): number | undefined;
  /** Resolves when no process of it is left. Requests that wait are rejected. */
  stop(): Promise<void>;
}

const STDERR_KEPT = 2_000;

interface BuilderOptions {
  /**
   * The processes run in this folder; it is empty and kept empty, for a thread may always read its process's working
   * directory.
   */
  emptyFolder: string;
  /** The folders below which versions are staged, absolute; they exist. The builder writes nowhere else. */
  writes: readonly string[];
  compileMs: number;
  inspectMs: number;
  warmMs: number;
  parallel: number;
}

interface Request {
  id: number;
  ask: CompileRequest | InspectRequest;
  /** The builder died once under this request: the request goes alone now. */
  suspect: boolean;
  cancelDeadline: () => void;
  resolve(answer: unknown): void;
  reject(fault: Fault): void;
}

const END_MS = 2_000;
/** A builder that ends a load which takes too long has this long to answer. */
const LATE_MS = 3_000;

/** A builder whose process starts with its first request. */
export function createBuilder(needs: { time: Time; log: Log }, options: BuilderOptions): Builder {
  const { time, log } = needs;
  const waiting: Request[] = [];
  let builder: BuilderProcess | undefined;
  let lastId = 0;
  let stopped = false;
  let cancelIdle: (() => void) | undefined;

  function receive(at: BuilderProcess, message: FromBuilder) {
    const request = at.running.get(message.id);
    if (!request) return;
    at.running.delete(message.id);
    request.cancelDeadline();
    if (message.is === 'answer') request.resolve(message.answer);
    else request.reject(new Fault(message.fault));
    next();
  }

  /**
   * The process is gone. A request that was in it alone is to blame; several are tried again one by one, after all
   * others.
   */
  function lost(at: BuilderProcess, how: string, stderr: string) {
    if (builder === at) builder = undefined;
    const held = [...at.running.values()];
    at.running.clear();
    for (const request of held) request.cancelDeadline();
    if (held.length === 1 && held[0]!.suspect) {
      held[0]!.reject(fault('BUILDER_KILLED', `the builder ended with ${how}`, { how, stderr }));
    } else {
      for (const request of held) request.suspect = true;
      waiting.push(...held);
    }
    if (held.length > 0) log.warn('the builder died; what it was doing is tried again', { how, requests: held.length });
    next();
  }

  function next() {
    cancelIdle?.();
    cancelIdle = undefined;
    if (stopped) return;
    while (waiting.length > 0) {
      if (builder?.ending) return;
      const alone = waiting[0]!.suspect || [...(builder?.running.values() ?? [])].some(({ suspect }) => suspect);
      if ((builder?.running.size ?? 0) >= (alone ? 1 : options.parallel)) return;
      builder ??= openBuilderProcess(options, { receive, lost });
      begin(builder, waiting.shift()!);
    }
    if (builder && builder.running.size === 0) cancelIdle = time.after(options.warmMs, () => void end());
  }

  function begin(at: BuilderProcess, request: Request) {
    at.running.set(request.id, request);
    const limit = request.ask.ask === 'compile' ? options.compileMs : request.ask.withinMs + LATE_MS;
    request.cancelDeadline = time.after(limit, () => {
      at.running.delete(request.id);
      at.ending = true;
      request.reject(fault('BUILDER_TIMEOUT', `took longer than ${limit} ms`, { limitMs: limit }));
      at.kill();
    });
    at.send({ ...request.ask, id: request.id });
  }

  /** Asks the process to end, and kills it after that. */
  async function end(): Promise<void> {
    const at = builder;
    if (!at) return;
    at.ending = true;
    at.send({ ask: 'end', id: 0 });
    const cancel = time.after(END_MS, at.kill);
    await at.gone;
    cancel();
  }

  function enqueue(ask: Request['ask']): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (stopped) return reject(fault('STOPPED', 'the catalog is stopped'));
      const request: Request = { id: ++lastId, ask, suspect: false, cancelDeadline() {}, resolve, reject };
      waiting.splice(placeInQueue(waiting, ask.ask), 0, request);
      next();
    });
  }

  return {
    warm() {
      if (stopped || builder) return;
      builder = openBuilderProcess(options, { receive, lost });
      next();
    },
    compile: (ask) => enqueue({ ...ask, ask: 'compile' }) as Promise<CompileAnswer>,
    inspect: (ask) => enqueue({ ...ask, ask: 'inspect', withinMs: options.inspectMs }) as Promise<InspectAnswer>,
    pid: () => builder?.pid,
    async stop() {
      stopped = true;
      cancelIdle?.();
      for (const request of [...waiting.splice(0), ...(builder?.running.values() ?? [])]) {
        request.cancelDeadline();
        request.reject(fault('STOPPED', 'the catalog is stopped'));
      }
      builder?.running.clear();
      await end();
    },
  };
}

interface BuilderProcess {
  readonly pid: number | undefined;
  readonly running: Map<number, Request>;
  ending: boolean;
  /** Resolves when the process is reaped. */
  readonly gone: Promise<void>;
  send(message: ToBuilder): void;
  kill(): void;
}

interface BuilderProcessNeeds {
  receive(at: BuilderProcess, message: FromBuilder): void;
  /** Called once, when the process is gone. */
  lost(at: BuilderProcess, how: string, stderr: string): void;
}

function openBuilderProcess(options: BuilderOptions, needs: BuilderProcessNeeds): BuilderProcess {
  const child = spawnBuilder(options);
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  let isOver = false;

  function receive(messages: unknown) {
    for (const message of messages as FromBuilder[]) if (!isOver) needs.receive(opened, message);
  }

  function over(how: string) {
    if (isOver) return;
    isOver = true;
    killGroup(child.pid);
    resolve();
    needs.lost(opened, how, stderr());
  }

  const stderr = stderrTail(child.stderr, STDERR_KEPT);
  const pipe = child.stdio[3] as Socket;
  const channel = openFrameChannel(pipe, { receive, broken: () => opened.kill() }, BUILDER_BOUNDS);
  const opened: BuilderProcess = {
    pid: child.pid,
    running: new Map(),
    ending: false,
    gone,
    send: (message) => channel.send([message]),
    kill: () => killGroup(child.pid),
  };
  child.once('exit', (code, signal) => over(signal ?? `exit code ${code}`));
  child.on('error', (error) => child.pid === undefined && over(error.message));
  return opened;
}

/** The group lives as long as any process of it. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All processes of the group are gone.
  }
}

function spawnBuilder({ emptyFolder: cwd, writes }: BuilderOptions): ChildProcess {
  const { PATH = '', TMPDIR } = process.env;
  // The parent's own flags (a loader, an inspector) are not the builder's.
  const args = ['--disable-sigusr1', fileURLToPath(entryFile('catalog/builder/process.js')), ...writes];
  const env = TMPDIR ? { PATH, TMPDIR } : { PATH };
  // The process leads a group of its own: the processes that it started end with it.
  return spawn(process.execPath, args, { cwd, env, detached: true, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
}

/**
 * Begun requests are finished first: of a hundred plugins the first are live while the last are compiled. Requests that
 * may bring down the process come last.
 */
function placeInQueue(waiting: readonly Request[], ask: 'compile' | 'inspect'): number {
  const before = waiting.findIndex((one) => one.suspect || (ask === 'inspect' && one.ask.ask === 'compile'));
  return before === -1 ? waiting.length : before;
}

function fault(code: string, message: string, data?: PlainFault['data']): Fault {
  return new Fault({ code, message, ...given({ data }) });
}
