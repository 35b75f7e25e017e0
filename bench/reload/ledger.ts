import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';

/** Lines that the work of a system wrote down: `b <job> <mark of its version> <time>` when it was begun, `e …` when it was ended. */
export interface Entry {
  job: string;
  mark: string;
  at: number;
}

export interface Ledger {
  file: string;
  begun: Entry[];
  ended: Entry[];
  /** When work was begun for the first time with a mark. */
  first: Map<string, number>;
  /** Reads what was added since. */
  look(): void;
}

/** Reads on from where it was: a ledger of a long run has tens of megabytes, and is looked at a hundred times a second. */
export function openRunRecord(file: string): Ledger {
  writeFileSync(file, '');
  const chunk = Buffer.alloc(1024 ** 2);
  let read = 0;
  let rest = '';
  const runRecord: Ledger = {
    file,
    begun: [],
    ended: [],
    first: new Map(),
    look() {
      const descriptor = openSync(file, 'r');
      try {
        for (;;) {
          const bytes = readSync(descriptor, chunk, 0, chunk.length, read);
          if (bytes === 0) return;
          read += bytes;
          const lines = (rest + chunk.toString('utf8', 0, bytes)).split('\n');
          rest = lines.pop()!;
          for (const line of lines) take(line);
        }
      } finally {
        closeSync(descriptor);
      }
    },
  };
  return runRecord;

  function take(line: string) {
    const [what, job, mark, at] = line.split(' ') as [string, string, string, string];
    const entry = { job, mark, at: Number(at) };
    if (what === 'e') return void runRecord.ended.push(entry);
    runRecord.begun.push(entry);
    if (!runRecord.first.has(mark)) runRecord.first.set(mark, entry.at);
  }
}

/** The longest time between two beginnings, `from` and `to` being taken for beginnings as well. */
export function longestPause(entries: readonly Entry[], from: number, to: number): number {
  const times = entries.flatMap(({ at }) => (at > from && at < to ? [at] : [])).toSorted((a, b) => a - b);
  return Math.max(...[...times, to].map((at, index) => at - (times[index - 1] ?? from)));
}
