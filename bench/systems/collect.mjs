/**
 * Loaded before a host's own code: on SIGUSR2 each of its threads collects its garbage, then the file `BENCH_HEAP` tells what
 * the main one holds. What V8 has not collected yet makes the memory of a host swing by a fifth, whatever it does.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { getHeapSpaceStatistics } from 'node:v8';

/** Where V8 keeps what it compiled. */
const CODE = /^code|trusted/;
let times = 0;
process.on('SIGUSR2', async () => {
  const session = new Session();
  session.connect();
  const threads = [];
  const answered = new Map();
  session.on('NodeWorker.attachedToWorker', ({ params }) => threads.push(params.sessionId));
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => answered.get(params.sessionId)?.());
  await session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  const message = JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' });
  const collected = threads.map((sessionId) => new Promise((resolve) => answered.set(sessionId, resolve)));
  for (const sessionId of threads) await session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  await Promise.all(collected);
  await session.post('HeapProfiler.collectGarbage');
  await session.post('NodeWorker.disable');
  session.disconnect();
  const spaces = getHeapSpaceStatistics();
  const used = (isCode) =>
    spaces.reduce((sum, one) => sum + (isCode === CODE.test(one.space_name) ? one.space_used_size : 0), 0);
  const told = { times: ++times, threads: threads.length + 1, data: used(false), code: used(true) };
  writeFileSync(process.env.BENCH_HEAP, JSON.stringify(told));
});
