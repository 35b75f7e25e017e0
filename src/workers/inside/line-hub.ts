import type { PluginLine } from '../ports.ts';
import type { FromCell, ThreadLine } from '../wire.ts';

/** Batches on their way to the host that it has not taken yet. */
const BATCHES_UNDERWAY = 4;
const LINES_A_BATCH = 2_000;

/** Who wrote a line. */
type LineSource = Pick<PluginLine, 'agent' | 'worker'>;

/** Takes the lines of all workers of a cell to the host, no faster than the host takes them. */
export interface LineHub {
  /** `taken` is called when the lines are on their way: only then may the worker send more. */
  put(from: LineSource, lines: ThreadLine[], taken: () => void): void;
  received(batches: number): void;
  /**
   * Sends what waits of one worker, whatever the host has taken: its last lines go before the news of its end, so that
   * they belong to the evidence, and are not lost with a cell that is killed when its last worker is gone.
   */
  flushOf(worker: string): void;
  /** Sends all there is, whatever the host has taken: for a cell that ends. */
  flushAll(): void;
}

/** Lines of one worker that wait to be sent. */
interface Part {
  lines: PluginLine[];
  worker: string;
  taken: () => void;
}

export function createLineHub(say: (message: FromCell) => void): LineHub {
  let waiting: Part[] = [];
  let underway = 0;
  let planned = false;

  function send(evenWithout: boolean) {
    planned = false;
    while (waiting.length > 0 && (evenWithout || underway < BATCHES_UNDERWAY)) waiting = sendBatch(waiting);
  }

  /** Sends the first of these lines; returns the parts that are left. */
  function sendBatch(parts: Part[]): Part[] {
    const lines: PluginLine[] = [];
    let count = 0;
    while (count < parts.length && lines.length < LINES_A_BATCH) {
      const part = parts[count++]!;
      lines.push(...part.lines);
      part.taken();
    }
    underway += 1;
    say({ say: 'lines', lines });
    return parts.slice(count);
  }

  return {
    put(from, lines, taken) {
      waiting.push({ lines: lines.map((line) => ({ ...line, ...from })), worker: from.worker, taken });
      if (planned) return;
      planned = true;
      setImmediate(() => send(false));
    },
    received(batches) {
      underway -= batches;
      send(false);
    },
    flushOf(worker) {
      let last = waiting.filter((part) => part.worker === worker);
      waiting = waiting.filter((part) => part.worker !== worker);
      while (last.length > 0) last = sendBatch(last);
    },
    flushAll: () => send(true),
  };
}
