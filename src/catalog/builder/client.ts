import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { entryFile } from '../../kernel/paths.ts';
import type { Time } from '../../kernel/time.ts';
import type { BuilderAnswers, CompileRequest, FromBuilder, InspectRequest } from './messages.ts';

/**
 * The host's side of the builder: a process that is started when something is to be compiled or inspected, kept warm
 * for a while, and killed when a request outlives its deadline. A request whose builder dies under it is tried once
 * more, alone: so the one plugin that kills is told from those that were only beside it.
 */
export interface Builder {
  /** Starts the process if there is none: a request is expected soon. */
  warm(): void;
  /** Rejects with a {@link Fault}: `WORKSHOP_TIMEOUT`, `WORKSHOP_KILLED`, `WORKSHOP_FAILED`, `STOPPED`. */
  ask<A extends CompileRequest | InspectRequest>(ask: A): Promise<BuilderAnswers[A['ask']]>;
  /** The pid while there is a process. */
  pid(): number | undefined;
  /** Resolves when no process of it is left. Requests that wait are rejected. */
  stop(): Promise<void>;
}

interface BuilderOptions {
  /** The process runs in it; empty and kept empty, for a thread may always read its process's working directory. */
  emptyFolder: string;
  compileMs: number;
  inspectMs: number;
  warmMs: number;
  parallel: number;
}

interface Request {
  id: number;
  ask: CompileRequest | InspectRequest;
  /** Its builder died once under it: it goes alone now. */
  suspect: boolean;
  cancelDeadline: () => void;
  resolve(answer: unknown): void;
  reject(fault: Fault): void;
}

type BuilderProcess = {
  child: ChildProcess;
  running: Map<number, Request>;
  ending: boolean;
  stderr: string;
  gone: Promise<void>;
};

const END_MS = 2_000;

export function createBuilder(needs: { time: Time; log: Log }, options: BuilderOptions): Builder {
  const { time, log } = needs;
  const waiting: Request[] = [];
  let builder: BuilderProcess | undefined;
  let lastId = 0;
  let stopped = false;
  let cancelIdle: (() => void) | undefined;

  function open(): BuilderProcess {
    const child = fork(fileURLToPath(entryFile('catalog/builder/process.js')), [], {
      cwd: options.emptyFolder,
      env: { PATH: process.env.PATH ?? '', ...(process.env.TMPDIR ? { TMPDIR: process.env.TMPDIR } : {}) },
      // The parent's own flags (a loader, an inspector) are not the builder's.
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const opened: BuilderProcess = {
      child,
      running: new Map(),
      ending: false,
      stderr: '',
      gone: new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.once('error', () => child.pid === undefined && resolve());
      }),
    };
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      opened.stderr = (opened.stderr + text).slice(-2_000);
    });
    child.on('message', (message: FromBuilder) => receive(opened, message));
    child.once('exit', (code, signal) => lost(opened, signal ?? `exit code ${code}`));
    child.on('error', (error) => child.pid === undefined && lost(opened, error.message));
    return opened;
  }

  function receive(at: BuilderProcess, message: FromBuilder) {
    if (message.is === 'ready') return;
    const request = at.running.get(message.id);
    if (!request) return;
    at.running.delete(message.id);
    request.cancelDeadline();
    if (message.is === 'answer') request.resolve(message.answer);
    else request.reject(new Fault(message.fault));
    next();
  }

  /** The process is gone. Whoever was in it alone is to blame; several are tried again one by one, after all others. */
  function lost(at: BuilderProcess, how: string) {
    if (builder === at) builder = undefined;
    const held = [...at.running.values()];
    at.running.clear();
    for (const request of held) request.cancelDeadline();
    if (held.length === 1 && held[0]!.suspect) {
      held[0]!.reject(
        fault('WORKSHOP_KILLED', `the process that looked at it ended with ${how}`, { how, stderr: at.stderr }),
      );
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
      builder ??= open();
      begin(builder, waiting.shift()!);
    }
    if (builder && builder.running.size === 0) cancelIdle = time.after(options.warmMs, () => void end());
  }

  function begin(at: BuilderProcess, request: Request) {
    at.running.set(request.id, request);
    const limit = request.ask.ask === 'compile' ? options.compileMs : options.inspectMs;
    request.cancelDeadline = time.after(limit, () => {
      at.running.delete(request.id);
      at.ending = true;
      request.reject(fault('WORKSHOP_TIMEOUT', `took longer than ${limit} ms`, { limitMs: limit }));
      at.child.kill('SIGKILL');
    });
    at.child.send({ ...request.ask, id: request.id }, (error) => {
      if (error) at.child.kill('SIGKILL');
    });
  }

  /** Asks the process to end, and makes it. */
  async function end(): Promise<void> {
    const at = builder;
    if (!at) return;
    at.ending = true;
    if (at.child.connected) at.child.send({ ask: 'end', id: 0 }, () => {});
    const cancel = time.after(END_MS, () => at.child.kill('SIGKILL'));
    await at.gone;
    cancel();
  }

  return {
    warm() {
      if (stopped || builder) return;
      builder = open();
      next();
    },
    ask(ask) {
      return new Promise((resolve, reject) => {
        if (stopped) return reject(fault('STOPPED', 'the catalog is stopped'));
        const rest = { suspect: false, cancelDeadline() {}, resolve: resolve as Request['resolve'], reject };
        const request: Request = { id: ++lastId, ask, ...rest };
        waiting.splice(placeInQueue(waiting, ask.ask), 0, request);
        next();
      });
    },
    pid: () => builder?.child.pid,
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

/**
 * What is begun is finished first: of a hundred plugins the first are live while the last are compiled. Those that may
 * bring down the process come last.
 */
function placeInQueue(waiting: readonly Request[], ask: 'compile' | 'inspect'): number {
  const before = waiting.findIndex((one) => one.suspect || (ask === 'inspect' && one.ask.ask === 'compile'));
  return before === -1 ? waiting.length : before;
}

function fault(code: string, message: string, data?: PlainFault['data']): Fault {
  return new Fault({ code, message, ...(data ? { data } : {}) });
}
