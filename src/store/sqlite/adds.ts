import type { Added, NewJob } from '../../jobs/model.ts';
import { Fault } from '../../kernel/fault.ts';
import type { StoreChannel } from './channel.ts';
import { NEW_JOB_WIDTH, packJob, unpackAdded } from './packing.ts';
import type { AddedRows, Plain } from './wire.ts';

/** Refusals of a call for what it holds; every other one is the store's, and a second try would meet it too. */
const OF_THE_CALL: ReadonlySet<string> = new Set(['STORE_REFUSED', 'STORE_ROW_UNREADABLE']);

/** The jobs of one caller. */
interface Part {
  /** The place of its first job, and the one after its last. */
  from: number;
  to: number;
  resolve(added: Added[]): void;
  reject(thrown: unknown): void;
}

/** Calls that travel as one. */
interface Gathered {
  flat: Plain[];
  now: number;
  parts: Part[];
}

/**
 * Hands new jobs to the store thread. Calls of one turn and one time that nothing else came between are one call to the thread:
 * one message and one promise for all of them, and it writes their rows together. When the thread refuses such a call for
 * what it holds, each caller's jobs are tried alone, so that a wrong one leaves the others.
 */
export function createAdds(line: Pick<StoreChannel, 'call' | 'newest'>) {
  let open: Gathered | undefined;

  function begin(now: number): Gathered {
    const gathered: Gathered = { flat: [], now, parts: [] };
    line.call('add', gathered.flat, now).then(
      (added) => answer(gathered.parts, added),
      (thrown) => refuse(gathered, thrown),
    );
    return gathered;
  }

  function refuse({ flat, now, parts }: Gathered, thrown: unknown): void {
    const isAlone = parts.length === 1;
    const mayHelp = !isAlone && thrown instanceof Fault && OF_THE_CALL.has(thrown.code);
    for (const part of parts) {
      if (!mayHelp) part.reject(thrown);
      else {
        const own = flat.slice(part.from * NEW_JOB_WIDTH, part.to * NEW_JOB_WIDTH);
        line.call('add', own, now).then((added) => part.resolve(unpackAdded(added)), part.reject);
      }
    }
  }

  return (jobs: readonly NewJob[], now: number): Promise<Added[]> => {
    const isOpen = open !== undefined && open.now === now && line.newest()?.[1] === open.flat;
    if (!isOpen) open = begin(now);
    const { flat, parts } = open!;
    const from = flat.length / NEW_JOB_WIDTH;
    for (const job of jobs) packJob(flat, job, now);
    return new Promise((resolve, reject) => {
      parts.push({ from, to: from + jobs.length, resolve, reject });
    });
  };
}

function answer(parts: readonly Part[], added: number | AddedRows): void {
  const all = unpackAdded(added);
  for (const { from, to, resolve } of parts) resolve(parts.length === 1 ? all : all.slice(from, to));
}
