import { Worker } from 'node:worker_threads';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { entryFile } from '../../kernel/paths.ts';
import { STORE_WRITER } from '../../kernel/proc.ts';
import type { StoreNeeds } from '../ports.ts';
import type { FromStoreThread, ThreadStart, ToStoreThread } from './inside/thread.ts';
import type { Call, OpName, StoreAnswer, StoreOps } from './wire.ts';

/** The host's end of one store thread. */
export interface StoreChannel {
  /** Starts the thread; rejects with a `Fault` when the file cannot be opened. */
  open(): Promise<void>;
  /** Calls an op. All calls of one turn of the event loop travel as one message. */
  call<K extends OpName>(name: K, ...args: Parameters<StoreOps[K]>): Promise<ReturnType<StoreOps[K]>>;
  /** The newest call of this turn, while it has not been sent: its arguments may still grow. */
  newest(): Call | undefined;
  /** Asks for a sign of life. */
  ping(): void;
  /** Resolves when everything that was called is answered, the file is closed and the thread gone. */
  close(): Promise<void>;
  isOpen(): boolean;
  /** When the thread last answered, in `time.monotonic()` ms. */
  lastAnswer(): number | undefined;
}

interface Waiting {
  /** `time.monotonic()` ms; undefined: it is on this side. */
  sentAt?: number;
  resolve(value: never): void;
  reject(fault: Fault): void;
}

/** A file that does not close within this time has its thread ended by force. */
const CLOSE_WITHIN_MS = 10_000;

/**
 * `died` is told when the thread ends without having been asked to; all that waited is rejected before. `setAside` is told
 * when rows that could not be read were set aside, before the call that met them is answered.
 */
export function createStoreChannel(
  start: ThreadStart,
  { time, setAside, answered: took }: Pick<StoreNeeds, 'time' | 'setAside' | 'answered'>,
  died: (fault: PlainFault) => void,
): StoreChannel {
  let worker: Worker | undefined;
  let gone: Promise<void> = Promise.resolve();
  let closing = false;
  let lastAnswer: number | undefined;
  /** Calls that are under way, oldest first: answers come in the same order. */
  let waiting: Waiting[] = [];
  let answered = 0;
  /** Calls of this turn. */
  let outgoing: { call: Call; waiting: Waiting }[] = [];

  return {
    open,
    call(name, ...args) {
      if (!worker || closing) return Promise.reject(new Fault(STOPPED));
      return new Promise((resolve, reject) => {
        if (outgoing.push({ call: [name, ...args], waiting: { resolve, reject } }) === 1) setImmediate(send);
      });
    },
    newest: () => outgoing.at(-1)?.call,
    ping: () => worker?.postMessage([] satisfies ToStoreThread),
    close,
    isOpen: () => worker !== undefined && !closing,
    lastAnswer: () => lastAnswer,
  };

  function open(): Promise<void> {
    return new Promise((resolve, reject) => {
      closing = false;
      const thread = new Worker(entryFile('store/sqlite/inside/thread.js'), {
        workerData: start,
        name: start.role === 'writer' ? STORE_WRITER : `store ${start.role}`,
        execArgv: [],
      });
      let why: PlainFault | undefined;
      thread.on('message', (message: FromStoreThread) => {
        if (!('is' in message)) return receive(message);
        if (message.is === 'failed') return reject(new Fault(message.fault));
        worker = thread;
        lastAnswer = time.monotonic();
        resolve();
      });
      thread.on('error', (thrown) => {
        why = toPlainFault(thrown);
      });
      gone = new Promise((ended) =>
        thread.once('exit', () => {
          const fault = deathOf(why);
          reject(new Fault(fault));
          if (worker === thread) end(fault);
          ended();
        }),
      );
    });
  }

  function send(): void {
    if (!worker || outgoing.length === 0) return;
    const leaving = outgoing;
    outgoing = [];
    try {
      worker.postMessage(leaving.map(({ call }) => call) satisfies ToStoreThread);
      const sentAt = time.monotonic();
      for (const { waiting: one } of leaving) {
        one.sentAt = sentAt;
        waiting.push(one);
      }
    } catch (thrown) {
      // An argument that cannot travel (a function, say) must not take the others of the turn with it.
      if (leaving.length === 1) leaving[0]!.waiting.reject(new Fault(toPlainFault(thrown, 'STORE_REFUSED')));
      else
        for (const one of leaving) {
          outgoing = [one];
          send();
        }
    }
  }

  function receive({ values, faults, setAside: count }: StoreAnswer): void {
    lastAnswer = time.monotonic();
    if (count !== undefined) setAside?.(count);
    // The first call has waited longest: calls of some turns are answered together.
    if (values.length > 0) took?.(lastAnswer - waiting[answered]!.sentAt!);
    let nextFault = 0;
    for (let place = 0; place < values.length; place++) {
      const { resolve, reject } = waiting[answered++]!;
      const fault = faults[nextFault];
      if (fault?.[0] === place) {
        nextFault++;
        reject(new Fault(fault[1]));
      } else resolve(values[place] as never);
    }
    if (answered === waiting.length) {
      waiting = [];
      answered = 0;
    } else if (answered > 4_096) {
      waiting = waiting.slice(answered);
      answered = 0;
    }
  }

  async function close(): Promise<void> {
    if (worker && !closing) {
      send();
      closing = true;
      worker.postMessage('close' satisfies ToStoreThread);
      const thread = worker;
      const cancel = time.after(CLOSE_WITHIN_MS, () => void thread.terminate());
      await gone;
      cancel();
    }
    await gone;
  }

  function end(fault: PlainFault): void {
    const left = [...waiting.slice(answered), ...outgoing.map((one) => one.waiting)];
    const asked = closing;
    worker = undefined;
    lastAnswer = undefined;
    waiting = [];
    outgoing = [];
    answered = 0;
    for (const { reject } of left) reject(new Fault(asked ? STOPPED : fault));
    if (!asked) died(fault);
  }
}

const STOPPED: PlainFault = {
  code: 'STORE_STOPPED',
  message: 'the store is not running',
  next: 'start it first; what was accepted before is on disk',
};

function deathOf(why: PlainFault | undefined): PlainFault {
  return {
    code: 'STORE_DIED',
    message: `the store thread ended unexpectedly${why ? `: ${why.message}` : ''}`,
    next: 'nothing accepted is lost; start the store again',
    ...given({ stack: why?.stack }),
  };
}
