import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import { entryFile } from '../../kernel/paths.ts';
import type { Time } from '../../kernel/time.ts';
import { workerFaults } from '../faults.ts';
import type {
  CallAnswer,
  CellFindings,
  FromCell,
  FromWorkerThread,
  Reading,
  Running,
  ToWorkerThread,
  WorkerSpec,
} from '../wire.ts';
import { createDiagnostics, isWorthDiagnosing } from './diagnostics.ts';
import { createHeapWatch, NEAR_LIMIT } from './heap-watch.ts';
import { killThread } from './kill.ts';
import type { LineHub } from './line-hub.ts';
import { createMemoryProbe } from './memory-probe.ts';
import { linesOf, mapLines } from './printed.ts';
import { drainRing } from './ring.ts';
import { currentOf, MARK, openShared, TIME } from './shared.ts';
import type { StackMap } from './stack-map.ts';
import type { SuspectFacts } from './suspect.ts';
import { crashOf, dataOf, endOf, resourceLimitsOf, type ThreadIs } from './thread-terms.ts';
import { createWatch, lastBeatOf } from './watch.ts';

/** Near its limit a worker is measured so often. */
const NEAR_EVERY_MS = 100;
const NEVER_SAMPLES = { sampleInterval: 2_000_000, maxBufferSize: 1 };
/** A worker that was told to close gets this long before it is terminated. */
const CLOSE_MS = 1_000;
const BOOT = fileURLToPath(entryFile('workers/inside/boot.js'));

interface ThreadNeeds {
  time: Time;
  clock(): number;
  say(message: FromCell): void;
  lines: LineHub;
  stacks: StackMap;
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
  /** Its processes take so much memory, which counts as its own. */
  children(bytes: number): void;
  /** What it owns up to, and for how long it has been silent. */
  held(): SuspectFacts;
  /** It gives no answer, and must hold so much: above its limit. Kills it. */
  overgrown(bytes: number): void;
  /** undefined while it starts or ends. */
  reading(): Reading | undefined;
  isRunning(): boolean;
  /** Tells what is in the ring. */
  drain(): void;
}

export function createThread(id: number, spec: WorkerSpec, needs: ThreadNeeds): Thread {
  const { time, clock, say } = needs;
  const shared = openShared();
  const { limits } = spec;
  const name = `worker-${id}`;
  const from = { agent: spec.agent, worker: `w${id}` };
  let is: ThreadIs = 'starting';
  let fault: PlainFault | undefined;
  /** Node itself calls `exit` for an error that nobody caught, and this may be heard before the error is. */
  let exitCall: PlainFault | undefined;
  /** What its own listener heard, with all that Node leaves out. */
  let crash: PlainFault | undefined;
  let found: CellFindings | undefined;
  let stopNear: (() => void) | undefined;
  const watch = createWatch(shared, limits, {
    time,
    clock,
    sendAbort: (seq, why) => send({ do: 'abort', seq, why }),
    kill: (why) => void kill(why),
    returned: (seqs) => say({ say: 'returned', worker: id, seqs }),
  });

  setLevel(spec.level);
  const worker = new Worker(BOOT, {
    name,
    workerData: dataOf(spec, shared.memory),
    env: spec.env,
    execArgv: spec.execArgv,
    resourceLimits: resourceLimitsOf(limits.memoryBytes),
    stdout: true,
    stderr: true,
  });
  const memoryProbe = createMemoryProbe(worker, limits.memoryBytes, clock, measured);
  const find = needs.stacks.finder(spec);
  const heap = createHeapWatch(worker, limits.memoryBytes, { clock, find });
  const lastBeat = () => lastBeatOf(shared);
  const diagnostics = createDiagnostics(worker, { time, clock, name, memoryProbe, heap, find, lastBeat });
  // A profile that never samples: what V8 compiles from now on is known to the one that does.
  if (spec.traced) worker.once('online', () => void worker.startCpuProfile(NEVER_SAMPLES).catch(() => {}));
  worker.on('message', receive);
  worker.on('error', (error: unknown) => {
    fault ??= nodeError(error);
  });
  worker.on('messageerror', (error) => {
    fault ??= workerFaults.crashed(`its message could not be read: ${error.message}`);
  });
  worker.on('exit', exited);
  worker.stdout.resume();
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    needs.lines.put(from, linesOf(text, time.now()), () => {});
  });
  let stopBoot: (() => void) | undefined = time.after(
    limits.bootMs,
    () => void kill(workerFaults.notReady(limits.bootMs)),
  );

  function receive(message: FromWorkerThread) {
    if (message === null) return drain();
    switch (message.say) {
      case 'ready':
        stopBoot?.();
        stopBoot = undefined;
        if (is === 'starting') is = 'ready';
        say({ say: 'ready', worker: id });
        watch.begin();
        break;
      case 'unfit':
        fault ??= workerFaults.unfit(needs.stacks.map(message.thrown, spec));
        void kill(fault);
        break;
      case 'ended': {
        const { say: _, end, ...rest } = message;
        const ended =
          end.is === 'done'
            ? { ...rest, ...end }
            : { ...rest, is: end.is, fault: needs.stacks.map(end.thrown, spec), retry: end.retry };
        watch.ended(1);
        say({ say: 'ended', worker: id, end: ended });
        break;
      }
      case 'call':
        say({ say: 'call', worker: id, seq: message.seq, id: message.id, call: message.call });
        break;
      case 'lines':
        needs.lines.put(from, mapLines(message.lines, needs.stacks, spec), () => {
          Atomics.add(shared.marks, MARK.shownLines, 1);
        });
        break;
      case 'crashed':
        crash ??= needs.stacks.map(crashOf(message.thrown), spec);
        break;
      case 'left-over': {
        const fault = needs.stacks.map(message.thrown, spec);
        say({ say: 'left-over', worker: id, is: message.is, job: message.job, fault });
        break;
      }
      case 'exit':
        exitCall ??= needs.stacks.map({ ...message.thrown, code: 'CRASHED' }, spec);
        break;
    }
  }

  function measured(bytes: number, childrenBytes: number) {
    if (is !== 'ready' && is !== 'closing') return;
    heap.look(bytes);
    if (bytes > limits.memoryBytes) {
      void kill(workerFaults.overLimit(bytes, limits.memoryBytes, childrenBytes));
    } else if (bytes > NEAR_LIMIT * limits.memoryBytes && currentOf(shared) !== 0) {
      stopNear?.();
      stopNear = time.after(NEAR_EVERY_MS, memoryProbe.measure);
    }
  }

  function drain() {
    const flat: (number | string | null)[] = [];
    drainRing(shared, flat);
    if (flat.length === 0) return;
    watch.ended(flat.length / 4);
    say({ say: 'done', worker: id, flat });
  }

  function abort(seq: number, why: PlainFault) {
    if (watch.abort(seq, why) !== 'waiting') return;
    const end = { seq, startedAt: time.now(), durationMs: 0, is: 'failed', fault: why, retry: true } as const;
    say({ say: 'ended', worker: id, end });
  }

  async function kill(why: PlainFault) {
    if (is === 'killing' || is === 'over') return;
    is = 'killing';
    fault = why;
    stopTimers();
    // Those that a failed load never came to are the host's to share out.
    if (why.code !== 'BOOT_FAILED') watch.revoke();
    found = diagnostics.known();
    if (isWorthDiagnosing(why)) await diagnostics.complete(found, why);
    await end(why);
  }

  async function end(why: PlainFault) {
    const ended = await killThread(worker, name, time);
    if (ended || is === 'over') return;
    is = 'over';
    drain();
    needs.lines.flushOf(from.worker);
    say({ say: 'poisoned', worker: id, because: why, running: runningNow(), found: found ?? null });
    needs.over();
  }

  function exited(code: number) {
    if (is === 'over') return;
    const wasReady = stopBoot === undefined;
    const because = endOf(is, (is === 'killing' ? fault : (crash ?? fault)) ?? exitCall, wasReady, code);
    is = 'over';
    stopTimers();
    drain();
    needs.lines.flushOf(from.worker);
    if (because) found ??= diagnostics.known();
    say({ say: 'gone', worker: id, because, running: runningNow(), found: found ?? null });
    needs.over();
  }

  function stopTimers() {
    stopBoot?.();
    stopNear?.();
    watch.stop();
  }

  function nodeError(error: unknown): PlainFault {
    if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      return workerFaults.outOfMemory(limits.memoryBytes);
    }
    return needs.stacks.map(crashOf(toPlainFault(error)), spec);
  }

  function runningNow(): Running | null {
    const seq = currentOf(shared);
    return seq === 0 ? null : { seq, startedAt: shared.times[TIME.startedEpoch]! };
  }

  function setLevel(level: LogLevel) {
    Atomics.store(shared.marks, MARK.level, LOG_LEVELS.indexOf(level));
  }

  function send(message: ToWorkerThread) {
    worker.postMessage(message);
  }

  return {
    run(first, count, jobs) {
      watch.given(first, count);
      // It is ending: the host hears of it soon.
      if (is === 'killing' || is === 'over') watch.revoke();
      else send(jobs);
    },
    abort,
    revoke: watch.revoke,
    close() {
      if (is !== 'ready' && is !== 'starting') return;
      is = 'closing';
      send({ do: 'close' });
      stopBoot?.();
      time.after(CLOSE_MS, () => {
        if (is === 'closing') void end(workerFaults.crashed('its thread did not end when it was told to'));
      });
    },
    answer: (call, answer) => send({ do: 'answer', id: call, answer }),
    level: setLevel,
    isRunning: () => currentOf(shared) !== 0,
    measure() {
      if (is === 'ready' || is === 'closing') memoryProbe.measure();
    },
    children: memoryProbe.children,
    held() {
      const { heapBytes = 0, externalBytes = 0 } = memoryProbe.memory() ?? {};
      const unansweredMs = is === 'ready' || is === 'closing' ? memoryProbe.unansweredMs() : 0;
      return { worker: id, heldBytes: heapBytes + externalBytes, limitBytes: limits.memoryBytes, unansweredMs };
    },
    overgrown: (bytes) => void kill(workerFaults.overLimit(bytes, limits.memoryBytes, 0)),
    reading() {
      if (is !== 'ready' && is !== 'closing') return undefined;
      const running = runningNow();
      const quietMs = running && Math.max(0, clock() - shared.times[TIME.progressAt]!);
      return { worker: id, ...memoryProbe.read(), running, lastBeat: lastBeat() || null, quietMs };
    },
    drain,
  };
}
