import type { PluginLine } from '../ports.ts';
import type { FromCell, ThreadLine } from '../wire.ts';

/** Batches on their way to the host that it has not taken yet. */
const BATCHES_UNDERWAY = 4;
const LINES_A_BATCH = 2_000;

/** Takes the lines of all workers of a cell to the host, no faster than the host takes them. */
export interface LineHub {
  /** `taken` is called when the lines are on their way: only then may the worker send more. */
  put(from: { agent: string; worker: string }, lines: ThreadLine[], taken: () => void): void;
  heard(batches: number): void;
  /** Sends all there is, whatever the host has taken: for a cell that ends. */
  flushAll(): void;
}

export function createLineHub(say: (message: FromCell) => void): LineHub {
  let waiting: { lines: PluginLine[]; taken: () => void }[] = [];
  let underway = 0;
  let planned = false;

  function send(evenWithout: boolean) {
    planned = false;
    while (waiting.length > 0 && (evenWithout || underway < BATCHES_UNDERWAY)) {
      const lines: PluginLine[] = [];
      let count = 0;
      while (count < waiting.length && lines.length < LINES_A_BATCH) {
        const part = waiting[count++]!;
        lines.push(...part.lines);
        part.taken();
      }
      waiting = waiting.slice(count);
      underway += 1;
      say({ say: 'lines', lines });
    }
  }

  return {
    put(from, lines, taken) {
      waiting.push({ lines: lines.map((line) => ({ ...line, ...from })), taken });
      if (planned) return;
      planned = true;
      setImmediate(() => send(false));
    },
    heard(batches) {
      underway -= batches;
      send(false);
    },
    flushAll: () => send(true),
  };
}
