import type { BundleFiles } from '../../kernel/source-map.ts';
import type { FromCell, LinesOfWorker, ThreadLine } from '../wire.ts';
import type { StackMap } from './stack-map.ts';

/** Batches that the host has not taken yet. */
const BATCHES_UNDERWAY = 4;
const LINES_A_BATCH = 2_000;

/** Takes the lines of all workers of a cell to the host, no faster than the host takes them. */
export interface LineHub {
  /** `taken` is called when the lines are on their way: only then may the worker send more. */
  put(worker: number, lines: ThreadLine[], taken: () => void): void;
  received(batches: number): void;
  /** Sends what waits, as far as the host takes it: the lines of a job go before the news of its end. */
  flush(): void;
  /**
   * Sends what waits of one worker, whatever the host has taken: its last lines go before the news of its end, so that
   * they belong to the evidence, and are not lost with a cell that is killed when its last worker is gone.
   */
  flushOf(worker: number): void;
  /** Sends all there is, whatever the host has taken: for a cell that ends. */
  flushAll(): void;
}

/** Lines that wait to be sent. */
interface Part extends LinesOfWorker {
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
    const batch: LinesOfWorker[] = [];
    let count = 0;
    for (let lines = 0; count < parts.length && lines < LINES_A_BATCH; count++) {
      const { worker, lines: more, taken } = parts[count]!;
      batch.push({ worker, lines: more });
      lines += more.length;
      taken();
    }
    underway += 1;
    say({ say: 'lines', parts: batch });
    return parts.slice(count);
  }

  return {
    put(worker, lines, taken) {
      waiting.push({ worker, lines, taken });
      if (planned) return;
      planned = true;
      setImmediate(() => send(false));
    },
    flush: () => send(false),
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

type MapText = (text: string) => string | undefined;

/** Lines of a worker with the author's own places in the stacks that were printed or logged, and without the frames of Daruma and Node below them. */
export function mapLines(lines: ThreadLine[], stacks: Pick<StackMap, 'line'>, bundle: BundleFiles): ThreadLine[] {
  const map: MapText = (text) => stacks.line(text, bundle);
  const mapped: ThreadLine[] = [];
  for (const line of lines) {
    const message = mapText(line.message, map);
    if (message === undefined) continue;
    mapped.push({ ...line, message, data: line.data === null ? null : mapData(line.data, map) });
  }
  return mapped;
}

/** Lines that Node itself writes to a thread's stderr. */
export function linesOf(text: string, at: number): ThreadLine[] {
  const lines = text.split('\n').filter(Boolean);
  return lines.map((message) => ({ at, level: 'error', job: '', message, data: null }));
}

/** undefined: nothing of it is the author's. */
function mapText(text: string, map: MapText): string | undefined {
  if (!text.includes('at ')) return text;
  const lines = text
    .split('\n')
    .map(map)
    .filter((line) => line !== undefined);
  return lines.length === 0 ? undefined : lines.join('\n');
}

function mapData(json: string, map: MapText): string {
  if (!json.includes('"stack":')) return json;
  return JSON.stringify(JSON.parse(json), (key, value) =>
    key === 'stack' && typeof value === 'string' ? (mapText(value, map) ?? '') : value,
  );
}
