/** The thread that reads the store for the web process while no host answers: as the command line does, and read-only. */
import { parentPort, workerData } from 'node:worker_threads';
import { collectHeap } from '../fence/collect-heap.ts';
import { openOffline } from '../host/api/offline.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { ReadAnswer, ReadCall } from './reads.ts';

/** The thread reads agents, holds and settings again after this long, in ms: the host may have written newer ones. */
const AGAIN_MS = 5_000;
/** A store is closed this long after another one took its place, in ms: each read on it is over by then, or given up. */
const CLOSED_AFTER_MS = 10_000;

/** The heap of the thread is collected in this rhythm, in ms, as that of the process is. */
const COLLECT_EACH_MS = 300_000;

let opened: { at: number; state: ReturnType<typeof openOffline> } | undefined;

// Between two answers: a read waits some 10 ms for it at most.
setInterval(collectHeap, COLLECT_EACH_MS).unref();

parentPort!.on('message', async (call: ReadCall) => {
  parentPort!.postMessage(await answerTo(call));
});

parentPort!.postMessage({ is: 'ready' } satisfies ReadAnswer);

async function answerTo({ id, op, args, role }: ReadCall): Promise<ReadAnswer> {
  try {
    const { ask } = await lastState();
    const value = await ask(op, args, role);
    // An answer of the table of operations is JSON: a value that is not JSON cannot be posted to another thread.
    return { id, value: JSON.parse(JSON.stringify(value)) };
  } catch (thrown) {
    const { stack: _, ...fault } = toPlainFault(thrown);
    return { id, fault };
  }
}

function lastState(): ReturnType<typeof openOffline> {
  const now = performance.now();
  if (opened && now - opened.at < AGAIN_MS) return opened.state;
  const state = opened ? renewed(opened.state) : openOffline(workerData as string, { knowsSecrets: false });
  opened = { at: now, state };
  state.catch(() => {
    opened = undefined;
  });
  return state;
}

/** The store stays open: a connection for each few seconds would read its pages anew, and leave holes in memory. */
async function renewed(before: ReturnType<typeof openOffline>): ReturnType<typeof openOffline> {
  const state = await before;
  const isSame = await state.again().catch(() => false);
  if (isSame) return state;
  setTimeout(state.close, CLOSED_AFTER_MS).unref();
  return openOffline(workerData as string, { knowsSecrets: false });
}
