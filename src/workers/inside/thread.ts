import { fileURLToPath } from 'node:url';
import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import { MB } from '../../kernel/measures.ts';
import { entryFile } from '../../kernel/paths.ts';
import type { Time } from '../../kernel/time.ts';
import { MARKERS_FD } from '../cell-messages.ts';
import { workerFaults } from '../faults.ts';
import type { CallAnswer, Culprit, FromCell, Reading, Running, ToWorkerThread, WorkerSpec } from '../wire.ts';
import type { ThreadData } from './boot.ts';
import { createDiagnostics } from './diagnostics.ts';
import { type LineHub, linesOf } from './line-hub.ts';
import { createMemoryGuard } from './memory-guard.ts';
import { createRingReader } from './ring.ts';
import { currentOf, MARK, openShared, poolUseOf, runningJobs, type Shared } from './shared.ts';
import type { StackMap } from './stack-map.ts';
import type { SuspectFacts } from './suspect.ts';
import { createThreadInbox } from './thread-inbox.ts';
import { createThreadLifecycle } from './thread-lifecycle.ts';
import { createWatch } from './watch.ts';

const BOOT = fileURLToPath(entryFile('workers/inside/boot.js'));
const NEVER_SAMPLES = { sampleInterval: 2_000_000, maxBufferSize: 1 };

interface ThreadNeeds {
  time: Time;
  clock(): number;
  say(message: FromCell): void;
  lines: LineHub;
  stacks: StackMap;
  /** The thread cannot note the jobs that it begins. Throws where it could. */
  unmarked(): void;
  /** Called once, when the thread has ended or cannot be ended. */
  over(): void;
}

/** A cell's side of one worker: hands jobs over, watches their deadlines and memory, and tells how it ended. */
export interface Thread {
  run(first: number, count: number, jobs: string): void;
  abort(seq: number, why: PlainFault): void;
  /** Takes back what has not been started, and says so. */
  revoke(): void;
  close(): void;
  answer(id: number, answer: CallAnswer): void;
  level(level: LogLevel): void;
  /** Measures its memory, and kills it above the limit. */
  measure(): void;
  /** Memory of the worker's processes, which counts as its own. */
  children(bytes: number): void;
  /** Bytes by its last answer, and for how long the thread has been silent. */
  held(): SuspectFacts;
  /** Kills a thread that gives no answer and must hold so many bytes: above its limit. */
  overgrown(bytes: number): void;
  /** undefined while it starts or ends. */
  reading(): Reading | undefined;
  isRunning(): boolean;
  /** Reports the ends that are in the ring. */
  drain(): void;
}

export function createThread(id: number, spec: WorkerSpec, needs: ThreadNeeds): Thread {
  const { time, clock, say, stacks } = needs;
  const shared = openShared(spec.concurrency);
  const ring = createRingReader(shared);
  const { limits } = spec;
  const name = `worker-${id}`;
  let isBroken = false;
  const isRunning = () => currentOf(shared) !== 0;
  const kill = (why: PlainFault, culprits?: Culprit[]) => lifecycle.kill(why, culprits);
  const send = (message: ToWorkerThread) => port.postMessage(message);
  const setLevel = (level: LogLevel) => void Atomics.store(shared.marks, MARK.level, LOG_LEVELS.indexOf(level));
  const watch = createWatch(shared, limits, {
    time,
    clock,
    sendAbort: (seq, why) => send({ do: 'abort', seq, why }),
    kill,
    released: (seqs) => say({ say: 'released', worker: id, seqs }),
  });

  setLevel(spec.level);
  const { worker, port } = startWorker(name, spec, shared);
  const find = stacks.finder(spec);
  const isUp = () => lifecycle.isUp();
  const memory = createMemoryGuard(worker, limits.memoryBytes, { time, clock, find, isUp, isRunning, kill, port });
  const lastBeat = () => lastBeatOf(shared);
  const diagnostics = createDiagnostics(worker, { time, clock, name, ...memory, find, lastBeat });
  const lifecycle = createThreadLifecycle(id, worker, spec, {
    time,
    name,
    diagnostics,
    stacks,
    say,
    running: () => runningIn(shared, time, clock),
    sendClose: () => send({ do: 'close' }),
    begin: watch.begin,
    revoke: watch.revoke,
    stop() {
      memory.stop();
      watch.stop();
    },
    readPort() {
      for (let last = receiveMessageOnPort(port); last && !isBroken; last = receiveMessageOnPort(port))
        receive(last.message);
    },
    flush() {
      receive(null);
      needs.lines.flushOf(id);
    },
    over: needs.over,
  });
  const inbox = createThreadInbox(id, spec, shared, {
    ...lifecycle,
    time,
    say,
    lines: needs.lines,
    stacks,
    drain,
    ended: () => watch.ended(1),
    unmarked: needs.unmarked,
    refuse: (call, answer) => send({ do: 'answer', id: call, answer }),
  });
  port.on('message', receive);
  port.on('messageerror', broken);
  worker.stdout.resume();
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    needs.lines.put(id, linesOf(text, time.now()), () => {});
  });

  function receive(message: unknown) {
    try {
      inbox.receive(message);
    } catch (error) {
      broken(error);
    }
  }

  /** A plugin has written to the port, or into the memory, of its thread: nothing that comes from there counts any more. */
  function broken(error: unknown) {
    isBroken = true;
    port.close();
    kill(workerFaults.messageInvalid(toPlainFault(error).message));
  }

  function drain() {
    if (isBroken) return;
    const flat = ring.drain();
    if (flat.length === 0) return;
    watch.ended(flat.length / 4);
    needs.lines.flush();
    say({ say: 'done', worker: id, flat });
  }

  function abort(seq: number, why: PlainFault) {
    if (watch.abort(seq, why) !== 'waiting') return;
    const end = { seq, startedAt: time.now(), durationMs: 0, is: 'failed', fault: why, retry: true } as const;
    say({ say: 'ended', worker: id, end });
  }

  return {
    run(first, count, jobs) {
      watch.given(first, count);
      memory.used();
      // A worker that is ending: the host hears of it soon.
      if (lifecycle.isEnding()) watch.revoke();
      else send(jobs);
    },
    abort,
    revoke: watch.revoke,
    close: lifecycle.close,
    answer(call, answer) {
      inbox.answered(call);
      send({ do: 'answer', id: call, answer });
    },
    level: setLevel,
    isRunning,
    measure: memory.measure,
    children: memory.probe.children,
    held: () => ({ worker: id, ...memory.held() }),
    overgrown: (bytes) => kill(workerFaults.overLimit(bytes, limits.memoryBytes, 0)),
    reading() {
      if (!isUp()) return undefined;
      const running = runningIn(shared, time, clock);
      return { worker: id, ...memory.probe.read(), running, pools: poolUseOf(shared) };
    },
    drain: () => receive(null),
  };
}

/** The jobs in progress. The thread writes what is read here, and a plugin that reaches its memory may write anything. */
function runningIn(shared: Shared, time: Time, clock: () => number): Running[] {
  const now = clock();
  return runningJobs(shared).map(({ seq, startedEpoch, progressAt, lastBeat }) => ({
    ...{ seq, lastBeat },
    startedAt: Number.isFinite(startedEpoch) ? startedEpoch : time.now(),
    quietMs: Number.isFinite(progressAt) ? Math.max(0, now - progressAt) : 0,
  }));
}

/** The text of the beat of that job in progress which has been silent for longest; empty without one. */
function lastBeatOf(shared: Shared): string {
  const [quietest] = runningJobs(shared).sort((a, b) => a.progressAt - b.progressAt);
  return quietest?.lastBeat ?? '';
}

/** Starts the thread of a worker, and opens the channel to it. Throws when the machine has no thread or memory for it. */
function startWorker(name: string, spec: WorkerSpec, shared: Shared): { worker: Worker; port: MessagePort } {
  // Not the port that Node gives a thread: that one cannot be closed from here when it is flooded.
  const { port1, port2 } = new MessageChannel();
  try {
    const worker = new Worker(BOOT, {
      name,
      workerData: dataOf(spec, shared, port2),
      transferList: [port2],
      env: spec.env,
      execArgv: spec.execArgv,
      resourceLimits: resourceLimitsOf(spec.limits.memoryBytes),
      stdout: true,
      stderr: true,
    });
    // A profile that never samples: what V8 compiles from now on is known to the one that does.
    if (spec.traced) worker.once('online', () => void worker.startCpuProfile(NEVER_SAMPLES).catch(() => {}));
    return { worker, port: port1 };
  } catch (error) {
    port1.close();
    throw error;
  }
}

/** Data that the thread is started with. */
function dataOf(spec: WorkerSpec, { memory, places }: Shared, port: MessagePort): ThreadData {
  const { agent, file, folder, settings, secrets, net, modules, fleet, llm, rehearsal } = spec;
  const startedMarkers = spec.markerPlace && { fd: MARKERS_FD, ...spec.markerPlace };
  return {
    memory,
    concurrency: places,
    port,
    agent,
    file,
    folder,
    timeoutMs: spec.limits.timeoutMs,
    settings,
    secrets,
    net,
    modules,
    fleet,
    llm,
    startedMarkers,
    ...given({ rehearsal }),
  };
}

/** The last line of defence only: V8's limit kills the whole cell when one allocation runs far past it, so it is set high above the limit that is watched. */
function resourceLimitsOf(memoryBytes: number): ResourceLimits {
  const soft = Math.ceil(memoryBytes / MB);
  return { maxOldGenerationSizeMb: Math.max(soft * 4, soft + 512), maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
}
