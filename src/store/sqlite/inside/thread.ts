/**
 * The store thread: takes every call that waits, carries them out as one group, and answers with one message. While it
 * waits for the disk the next group gathers by itself, so groups grow with the load and nothing waits for a timer.
 */
import type { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { PlainFault } from '../../../kernel/fault.ts';
import type { StoreCopy } from '../../../telemetry/ports.ts';
import type { Call, StoreAnswer } from '../wire.ts';
import { copyStore } from './copy.ts';
import { storeFault } from './faults.ts';
import { groupCommit } from './group.ts';
import { restoreMissing } from './migrate.ts';
import { openForReading, openForWriting } from './open.ts';
import { openReads, openTables, type Tables } from './tables.ts';

/** The role of a thread. A reader answers calls that can take long, and never makes or changes a store. A copier makes one copy. */
export type ThreadStart = { file: string; role: 'writer' | 'reader' } | CopierStart;
export interface CopierStart {
  file: string;
  role: 'copier';
  to: string;
}

/** To the thread: calls, or `close`. */
export type ToStoreThread = readonly Call[] | 'close';

/** From the thread: that it is open or why not, then answers. */
export type FromStoreThread = { is: 'open' } | { is: 'failed'; fault: PlainFault } | StoreAnswer;
/** From a copier. */
export type FromCopier = { is: 'copied'; copy: StoreCopy } | { is: 'failed'; fault: PlainFault };

const start = workerData as ThreadStart;
const { file } = start;
const port = parentPort!;
let db: DatabaseSync | undefined;
let carryOut: (calls: readonly Call[]) => StoreAnswer;

if (start.role === 'copier') await copy(start);
else open(start.role);

async function copy({ to }: CopierStart): Promise<void> {
  const said = await copyStore(file, to).then(
    (made): FromCopier => ({ is: 'copied', copy: made }),
    (thrown): FromCopier => ({ is: 'failed', fault: storeFault(thrown, to) }),
  );
  port.postMessage(said);
}

function open(role: 'writer' | 'reader'): void {
  try {
    db = role === 'writer' ? openForWriting(file) : openForReading(file);
    const tables: Tables =
      role === 'writer'
        ? openedTables(db)
        : ({ ops: openReads(db, file), beforeCommit() {}, afterRollback() {} } as unknown as Tables);
    carryOut = groupCommit(db, tables, file);
    port.on('message', turn);
    port.postMessage({ is: 'open' } satisfies FromStoreThread);
  } catch (thrown) {
    db?.close();
    port.postMessage({ is: 'failed', fault: storeFault(thrown, file) } satisfies FromStoreThread);
  }
}

/** A table or an index that is missing (a hand, a tool) must not keep a host from starting. */
function openedTables(opened: DatabaseSync): Tables {
  try {
    return openTables(opened, file);
  } catch (thrown) {
    if (restoreMissing(opened, Date.now()).length === 0) throw thrown;
    return openTables(opened, file);
  }
}

function turn(first: ToStoreThread): void {
  const calls: Call[] = [];
  for (let message: ToStoreThread | undefined = first; message !== undefined; message = waiting()) {
    if (message === 'close') {
      if (calls.length > 0) port.postMessage(carryOut(calls));
      db?.close();
      port.close();
      return;
    }
    if (calls.length === 0) calls.push(...message);
    else for (const call of message) calls.push(call);
  }
  // An empty message asks for a sign of life.
  port.postMessage(calls.length === 0 ? ({ values: [], faults: [] } satisfies StoreAnswer) : carryOut(calls));
}

function waiting(): ToStoreThread | undefined {
  return (receiveMessageOnPort(port) as { message: ToStoreThread } | undefined)?.message;
}
