/**
 * The entry of a cell: starts worker threads as the host says, passes what they say on, and watches over them. The main
 * thread runs no plugin code, so it is always free to act. A cell whose host has ended ends at once.
 */
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { readAuthorities } from '../../fence/authorities.ts';
import { collectHeap } from '../../fence/collect-heap.ts';
import { openTrim } from '../../fence/kernel.ts';
import { putUpFence } from '../../fence/put-up.ts';
import type { FenceTerms } from '../../fence/terms.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import { openFrameChannel } from '../../kernel/frames.ts';
import { createIdleMemory } from '../../kernel/idle-memory.ts';
import { mostFiles, OOM_SCORES, openFiles, raiseOomScore } from '../../kernel/proc.ts';
import { machineTime } from '../../kernel/time.ts';
import { CHANNEL_FD, MARKERS_FD, TO_CELL } from '../cell-messages.ts';
import { workerFaults } from '../faults.ts';
import { createOutbox, type FromCell, type ToCell } from '../wire.ts';
import { createLineHub } from './line-hub.ts';
import { sharedClock } from './shared.ts';
import { createStackMap } from './stack-map.ts';
import { baselineNow, type MemoryBaseline, suspectOf } from './suspect.ts';
import { createThread, type Thread } from './thread.ts';

/** Threads are collected when they have been idle for 5 to 6 s, and the cell after them: what they freed is given back, too. */
const IDLE_MS = 8_000;
/** Threads that may end before their memory is asked back. */
const SWEEP_EVERY = 10;
const MEASURE_EVERY_MS = 250;
/** Every so many measurements idle workers are measured too, and the host gets the readings; of an empty cell less often. */
const READINGS_EVERY = 4;
const EMPTY_READINGS_EVERY = 20;

const [folder = '/', host = '0'] = process.argv.slice(2);
const time = machineTime;
const clock = sharedClock();
const threads = new Map<number, Thread>();
const pipe = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
const channel = openFrameChannel(
  pipe,
  { receive: (messages) => (messages as ToCell[]).forEach(receive), broken: die },
  TO_CELL,
);
const outbox = createOutbox<FromCell>((messages) => channel.send(messages, sent));
const lines = createLineHub(outbox.put);
const stacks = createStackMap(folder);
const sweep = createSweep();
const most = mostFiles();
const markersInode = inodeOf(MARKERS_FD);
let measured = 0;
let trim: (() => void) | undefined;
let rssBytes = process.memoryUsage.rss();
let baseline: MemoryBaseline | undefined;

raiseOomScore(OOM_SCORES.cell);
// A signal to the whole process group (Ctrl-C, systemd) is the host's to act on: it lets the jobs end first.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
pipe.on('close', die);
setInterval(measure, MEASURE_EVERY_MS).unref();

function receive(message: ToCell) {
  switch (message.do) {
    case 'fence':
      if (!message.isCritical) raiseOomScore(OOM_SCORES.uncritical);
      return shutIn(message.terms);
    case 'start':
      return start(message);
    case 'run':
      sweep.used();
      return threads.get(message.worker)?.run(message.first, message.count, message.jobs);
    case 'abort':
      return threads.get(message.worker)?.abort(message.seq, message.why);
    case 'revoke':
      return threads.get(message.worker)?.revoke();
    case 'close':
      return threads.get(message.worker)?.close();
    case 'answer':
      return threads.get(message.worker)?.answer(message.id, message.answer);
    case 'level':
      return threads.get(message.worker)?.level(message.level);
    case 'children':
      return threads.get(message.worker)?.children(message.bytes);
    case 'heard':
      return lines.received(message.batches);
    case 'end':
      for (const thread of threads.values()) thread.drain();
      lines.flushAll();
      outbox.flush();
      channel.send([], die);
  }
}

/** Puts the fence up, before there is any worker. A cell whose fence cannot be judged ends, and the host says why. */
function shutIn(terms: FenceTerms) {
  // The zone is read from files that the fence closes.
  new Date().getTimezoneOffset();
  readAuthorities(process.env);
  // Taken now: behind the fence nobody gets functions of the machine any more.
  trim = openTrim();
  outbox.put({ say: 'fenced', report: putUpFence({ ...terms, parent: Number(host) }) });
}

/** Notes of begun attempts are all that is left of a cell after its death: a cell that cannot write them ends. */
function unmarked() {
  if (markersInode !== undefined && inodeOf(MARKERS_FD) === markersInode)
    throw new Error('an alarm, and its notes can be written');
  process.stderr.write('the file of notes was closed by a plugin\n');
  die();
}

function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino;
  } catch {
    return undefined;
  }
}

function start({ worker, spec }: ToCell & { do: 'start' }) {
  const over = () => {
    threads.delete(worker);
    sweep.ended();
  };
  sweep.used();
  try {
    threads.set(worker, createThread(worker, spec, { time, clock, say: outbox.put, lines, stacks, unmarked, over }));
  } catch (error) {
    // No more files, threads or memory: this worker's matter, not that of its neighbours.
    outbox.put({
      say: 'gone',
      worker,
      because: workerFaults.unfit(toPlainFault(error)),
      running: [],
      culprits: [],
      found: null,
    });
  }
}

function measure() {
  const all = ++measured % (threads.size > 0 ? READINGS_EVERY : EMPTY_READINGS_EVERY) === 0;
  for (const thread of threads.values()) if (all || thread.isRunning()) thread.measure();
  if (threads.size > 0) sweep.look();
  rssBytes = resident();
  const held = [...threads.values()].map((thread) => thread.held());
  const suspect = suspectOf(held, rssBytes, baseline);
  if (suspect) threads.get(suspect.worker)?.overgrown(suspect.bytes);
  baseline = baselineNow(held, rssBytes, baseline);
  if (!all) return;
  const workers = [...threads.values()].map((thread) => thread.reading()).filter((reading) => reading !== undefined);
  outbox.put({ say: 'readings', rssBytes, fds: openFiles(most), workers });
}

/** The last one that could be had: a worker that opened all files there are leaves none to read it from. */
function resident(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return rssBytes;
  }
}

function sent(error?: Error | null) {
  if (error) die();
}

/** `process.exit` would wait for threads that sit in native code. */
function die() {
  process.kill(process.pid, 'SIGKILL');
}

/**
 * Collects when threads have ended and when they have become idle. A cell's own heap hardly grows, so V8 hardly ever
 * collects it, and each thread that ended holds some 100 KB of native memory until it does: 200 reloads would look like a
 * leak of 20 MB.
 */
function createSweep() {
  let ended = 0;
  const isRunning = () => [...threads.values()].some((thread) => thread.isRunning());
  const idle = createIdleMemory({ clock, idleMs: IDLE_MS, isRunning, heldBytes: () => 0, collect: sweep });

  function sweep() {
    collectHeap();
    trim?.();
  }

  return {
    /** A thread has ended. */
    ended() {
      ended += 1;
      if (ended % SWEEP_EVERY === 0) setImmediate(sweep);
    },
    used: idle.used,
    look: idle.look,
  };
}
