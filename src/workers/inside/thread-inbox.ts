import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { MB } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import { workerFaults } from '../faults.ts';
import {
  type BareCall,
  type CallAnswer,
  type FromCell,
  type FromWorkerThread,
  type JobEnd,
  OPEN_CALLS,
  type WorkerSpec,
} from '../wire.ts';
import { type LineHub, mapLines } from './line-hub.ts';
import { MARK, type Shared } from './shared.ts';
import type { StackMap } from './stack-map.ts';
import { crashOf } from './thread-lifecycle.ts';
import { readFromThread } from './thread-messages.ts';

/** Of the JSON of a call: a command with an input of 8 MB fits into what a host takes. */
const CALL_BYTES = 31 * MB;
/** A character of JSON takes six bytes at most. */
const WIDEST = 6;

interface ThreadInboxNeeds {
  time: Time;
  say(message: FromCell): void;
  lines: LineHub;
  stacks: StackMap;
  /** The ring of shared memory has ends. */
  drain(): void;
  ready(): void;
  /** A job ended that the ring did not hold. */
  ended(): void;
  /** The thread said, before it ended, what it ends of. */
  unfit(fault: PlainFault): void;
  crashed(fault: PlainFault, seq: number | null): void;
  exits(fault: PlainFault, seq: number | null): void;
  refuse(call: number, answer: CallAnswer): void;
  /** The file in which threads note what they begin cannot be written any more. */
  unmarked(): void;
}

/** Honest workers wait with the ninth; a few more go when a thread ends. */
const MOST_BATCHES = 16;

/** Messages of a worker thread, read by its cell: all of them are claims, and go on to the host as news of the worker. */
interface ThreadInbox {
  /** Throws for what no worker says, and for more than a worker may say. */
  receive(message: unknown): void;
  /** A call got its answer. */
  answered(call: number): void;
}

export function createThreadInbox(
  worker: number,
  spec: WorkerSpec,
  shared: Shared,
  needs: ThreadInboxNeeds,
): ThreadInbox {
  const { say, stacks } = needs;
  /** Calls that the host has not answered. A worker keeps to the bound by itself: a call above it came past its context. */
  const open = new Set<number>();
  /** Batches of lines that the host has not taken. */
  let batches = 0;

  function ended({ end, seq, startedAt, durationMs, summary }: FromWorkerThread & { say: 'ended' }) {
    const base = { seq, startedAt, durationMs, ...given({ summary }) };
    const jobEnd: JobEnd =
      end.is === 'done'
        ? { ...base, ...end }
        : { ...base, is: end.is, fault: stacks.map(end.thrown, spec), retry: end.retry };
    needs.ended();
    needs.lines.flush();
    say({ say: 'ended', worker, end: jobEnd });
  }

  function call({ seq, id, call }: FromWorkerThread & { say: 'call' }) {
    if (open.size >= OPEN_CALLS || open.has(id)) throw new Error(`more than ${OPEN_CALLS} calls at a time`);
    if (isTooLong(call)) return needs.refuse(id, { is: 'refused', fault: workerFaults.callTooLong() });
    open.add(id);
    say({ say: 'call', worker, seq, id, call });
  }

  function lines(message: FromWorkerThread & { say: 'lines' }) {
    if (++batches > MOST_BATCHES) throw new Error('more log lines than the host takes');
    needs.lines.put(worker, mapLines(message.lines, stacks, spec), () => {
      batches -= 1;
      Atomics.add(shared.marks, MARK.shownLines, 1);
    });
  }

  return {
    receive(given) {
      const message = readFromThread(given, needs.time.now());
      if (message === null) return needs.drain();
      switch (message.say) {
        case 'ready':
          return needs.ready();
        case 'unmarked':
          return needs.unmarked();
        case 'unfit':
          return needs.unfit(stacks.map(message.thrown, spec));
        case 'ended':
          return ended(message);
        case 'call':
          return call(message);
        case 'lines':
          return lines(message);
        case 'measured': {
          const { series, beyond } = message;
          return say({ say: 'measured', worker, series, beyond });
        }
        case 'crashed':
          return needs.crashed(stacks.map(crashOf(message.thrown), spec), message.seq);
        case 'exit':
          return needs.exits(stacks.map({ ...message.thrown, code: 'CRASHED' }, spec), message.seq);
        case 'left-over': {
          const { is, job, thrown } = message;
          return say({ say: 'left-over', worker, is, job, fault: stacks.map(thrown, spec) });
        }
      }
    },
    answered: (call) => void open.delete(call),
  };
}

/** Whether a call is too long for the channel of its cell. */
function isTooLong(call: BareCall): boolean {
  return bytesOf(call) > CALL_BYTES;
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') {
    const most = value.length * WIDEST;
    return most < CALL_BYTES ? most : Buffer.byteLength(JSON.stringify(value));
  }
  if (typeof value !== 'object' || value === null) return 32;
  return Object.entries(value).reduce((sum, [key, part]) => sum + key.length * WIDEST + bytesOf(part), 2);
}
