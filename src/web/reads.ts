import { Worker } from 'node:worker_threads';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import { entryFile } from '../kernel/paths.ts';
import type { Time } from '../kernel/time.ts';
import type { OperationRole } from '../operations/operation.ts';

/** Reads of the store while no host answers: in a thread, so that a read which takes long holds up nobody but its asker. */
export interface Reads {
  /** Answers an operation of a role from the store. Rejects with its fault, with `ROLE_LACKING`, or with `READ_TOO_LONG`. */
  ask(op: string, args: unknown, role: OperationRole): Promise<unknown>;
  /** Whether the thread has loaded its code: until then an answer takes a tenth of a second and more. */
  isReady(): boolean;
  /** Starts the thread in a moment, for reads to come. */
  beginSoon(): void;
  close(): void;
}

/** A question to the thread, and its answer. */
export type ReadCall = { id: number; op: string; args: unknown; role: OperationRole };
export type ReadAnswer = { is: 'ready' } | { id: number; value: unknown } | { id: number; fault: PlainFault };

interface ReadsNeeds {
  time: Time;
  folder: string;
  /** Called when nobody has read for a while, and the thread is gone. */
  idle(): void;
  /** Called when threads that cannot be stopped hang in reads: only another process helps. */
  stuck(): void;
}

/** The longest read, in ms: people wait no longer, and a longer read is a mistake of a page. */
const WITHIN_MS = 2_000;
/** The thread loads its code; on a busy machine that takes longer than a read. */
const START_MS = 10_000;
/** An idle thread costs memory, and keeps the store open. */
const IDLE_MS = 30_000;
/** The page that is being made is sent by then, and shares the processor with no thread that begins. */
const SOON_MS = 300;
/** A read that SQLite does not give up on goes on in a thread that was told to end. */
const MOST_STUCK = 2;
const MOST_WAITING = 64;
const HEAP_MB = 64;

export function createReads({ time, folder, stuck, idle }: ReadsNeeds): Reads {
  let thread: ReadThread | undefined;
  let ending = 0;
  let lastId = 0;
  let isStarting = false;
  let isClosed = false;
  let stopIdle = () => {};

  function begin(): ReadThread {
    const begun = openReadThread(folder, () => {
      if (thread === begun) thread = undefined;
    });
    return begun;
  }

  /** Ends the thread when nobody reads for a while. */
  function waitForIdle() {
    stopIdle();
    stopIdle = time.after(IDLE_MS, () => {
      if (thread?.waiting() === 0) void drop()?.then(idle);
    });
  }

  function drop() {
    const dropped = thread;
    thread = undefined;
    if (!dropped) return;
    ending += 1;
    if (ending > MOST_STUCK) return stuck();
    return dropped.end().finally(() => {
      ending -= 1;
    });
  }

  return {
    async ask(op, args, role) {
      thread ??= begin();
      const asked = thread;
      if (asked.waiting() >= MOST_WAITING) throw tooMany();
      stopIdle();
      const giveUp = () => {
        if (thread === asked) drop();
        else void asked.end();
      };
      let stopClock = time.after(START_MS, giveUp);
      let isOver = false;
      void asked.ready.then(() => {
        stopClock();
        if (!isOver) stopClock = time.after(WITHIN_MS, giveUp);
      });
      try {
        return await asked.ask({ id: ++lastId, op, args, role });
      } finally {
        isOver = true;
        stopClock();
        waitForIdle();
      }
    },
    isReady: () => thread?.isReady() === true,
    beginSoon() {
      if (thread || isStarting) return;
      isStarting = true;
      time.after(SOON_MS, () => {
        isStarting = false;
        if (isClosed) return;
        thread ??= begin();
        waitForIdle();
      });
    },
    close() {
      isClosed = true;
      stopIdle();
      void thread?.end();
    },
  };
}

interface ReadThread {
  /** Resolves when it has loaded its code. */
  ready: Promise<void>;
  isReady(): boolean;
  waiting(): number;
  ask(call: ReadCall): Promise<unknown>;
  /** Rejects all that waits, at once; resolves when the thread has ended. */
  end(): Promise<unknown>;
}

function openReadThread(folder: string, ended: () => void): ReadThread {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const ready = Promise.withResolvers<void>();
  let isReady = false;
  const worker = new Worker(entryFile('web/reads-thread.js'), {
    workerData: folder,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  worker.unref();
  worker.on('message', (answer: ReadAnswer) => {
    if ('is' in answer) {
      isReady = true;
      return ready.resolve();
    }
    const one = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('fault' in answer) one?.reject(new Fault(answer.fault));
    else one?.resolve(answer.value);
  });
  worker.on('error', (error) => end(new Fault({ code: 'READ_FAILED', message: `the store cannot be read: ${error}` })));
  worker.on('exit', () => end(tooLong()));

  function end(fault: Fault) {
    for (const { reject } of waiting.values()) reject(fault);
    waiting.clear();
    ended();
  }

  return {
    ready: ready.promise,
    isReady: () => isReady,
    waiting: () => waiting.size,
    ask(call) {
      const one = Promise.withResolvers<unknown>();
      waiting.set(call.id, one);
      worker.postMessage(call);
      return one.promise;
    },
    end() {
      end(tooLong());
      return worker.terminate();
    },
  };
}

function tooLong(): Fault {
  const message = `the store gave no answer within ${WITHIN_MS / 1_000}s`;
  return new Fault({ code: 'READ_TOO_LONG', message, next: 'ask for less: a shorter time, one agent' });
}

function tooMany(): Fault {
  return new Fault({ code: 'TOO_BUSY', message: 'too many reads of the store wait', next: 'try again in a moment' });
}
