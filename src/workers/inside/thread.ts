import { receiveMessageOnPort } from 'node:worker_threads';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import type { Time } from '../../kernel/time.ts';
import { workerFaults } from '../faults.ts';
import type { CallAnswer, CellFindings, FromCell, Reading, Running, ToWorkerThread, WorkerSpec } from '../wire.ts';
import { createDiagnostics, isWorthDiagnosing } from './diagnostics.ts';
import { killThread } from './kill.ts';
import { type LineHub, linesOf } from './line-hub.ts';
import { createMemoryGuard } from './memory-guard.ts';
import { createRingReader } from './ring.ts';
import { currentOf, MARK, openShared, type Shared, TIME } from './shared.ts';
import type { StackMap } from './stack-map.ts';
import type { SuspectFacts } from './suspect.ts';
import { createThreadInbox } from './thread-inbox.ts';
import { crashOf, endOf, startWorker, type ThreadIs } from './thread-start.ts';
import { createWatch, lastBeatOf } from './watch.ts';

/** A worker that was told to close gets this long before it is terminated. */
const CLOSE_MS = 1_000;

interface ThreadNeeds {
  time: Time;
  clock(): number;
  say(message: FromCell): void;
  lines: LineHub;
  stacks: StackMap;
  /** It cannot note what it begins. Throws where it could. */
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

/** How a worker may end, as it becomes known from several sides and in any order. */
interface EndCauses {
  /** The one that counts. */
  fault?: PlainFault;
  /** Node itself calls `exit` for an error that nobody caught, and this may be heard before the error is. */
  exitCall?: PlainFault;
  /** What the thread's own listener heard, with all that Node leaves out. */
  crash?: PlainFault;
}

export function createThread(id: number, spec: WorkerSpec, needs: ThreadNeeds): Thread {
  const { time, clock, say, stacks } = needs;
  const shared = openShared();
  const ring = createRingReader(shared);
  const { limits } = spec;
  const name = `worker-${id}`;
  let is: ThreadIs = 'starting';
  const causes: EndCauses = {};
  let isBroken = false;
  let found: CellFindings | undefined;
  const watch = createWatch(shared, limits, {
    time,
    clock,
    sendAbort: (seq, why) => send({ do: 'abort', seq, why }),
    kill: (why) => void kill(why),
    returned: (seqs) => say({ say: 'returned', worker: id, seqs }),
  });

  setLevel(spec.level);
  const { worker, port } = startWorker(name, spec, shared);
  const find = stacks.finder(spec);
  const isUp = () => is === 'ready' || is === 'closing';
  const memory = createMemoryGuard(worker, limits.memoryBytes, {
    time,
    clock,
    find,
    isUp,
    isRunning: () => currentOf(shared) !== 0,
    kill: (why) => void kill(why),
  });
  const lastBeat = () => lastBeatOf(shared);
  const { probe, heap } = memory;
  const diagnostics = createDiagnostics(worker, { time, clock, name, memoryProbe: probe, heap, find, lastBeat });
  const inbox = createThreadInbox(id, spec, shared, {
    time,
    say,
    lines: needs.lines,
    stacks,
    drain,
    ready,
    ended: () => watch.ended(1),
    unfit(fault) {
      causes.fault ??= workerFaults.unfit(fault);
      void kill(causes.fault);
    },
    crashed(fault) {
      causes.crash ??= fault;
    },
    exits(fault) {
      causes.exitCall ??= fault;
    },
    unmarked: needs.unmarked,
    refuse: (call, answer) => send({ do: 'answer', id: call, answer }),
  });
  port.on('message', receive);
  port.on('messageerror', broken);
  worker.on('error', (error: unknown) => {
    causes.fault ??= nodeError(error);
  });
  worker.on('exit', exited);
  worker.stdout.resume();
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    needs.lines.put(id, linesOf(text, time.now()), () => {});
  });
  let stopBoot: (() => void) | undefined = time.after(
    limits.bootMs,
    () => void kill(workerFaults.notReady(limits.bootMs)),
  );

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
    void kill(workerFaults.messageInvalid(toPlainFault(error).message));
  }

  function ready() {
    if (!stopBoot) return;
    stopBoot();
    stopBoot = undefined;
    if (is === 'starting') is = 'ready';
    say({ say: 'ready', worker: id });
    watch.begin();
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

  async function kill(why: PlainFault) {
    if (is === 'killing' || is === 'over') return;
    is = 'killing';
    causes.fault = why;
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
    over();
    say({ say: 'poisoned', worker: id, because: why, running: runningIn(shared, time), found: found ?? null });
    needs.over();
  }

  function exited(code: number) {
    if (is === 'over') return;
    for (let last = receiveMessageOnPort(port); last && !isBroken; last = receiveMessageOnPort(port))
      receive(last.message);
    const wasReady = stopBoot === undefined;
    const { fault, crash, exitCall } = causes;
    const because = endOf(is, (is === 'killing' ? fault : (crash ?? fault)) ?? exitCall, wasReady, code);
    over();
    if (because) found ??= diagnostics.known();
    say({ say: 'gone', worker: id, because, running: runningIn(shared, time), found: found ?? null });
    needs.over();
  }

  /** All that the thread has said is sent before the news of its end. */
  function over() {
    is = 'over';
    stopTimers();
    receive(null);
    needs.lines.flushOf(id);
  }

  function stopTimers() {
    stopBoot?.();
    memory.stop();
    watch.stop();
  }

  function nodeError(error: unknown): PlainFault {
    if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      return workerFaults.outOfMemory(limits.memoryBytes);
    }
    return stacks.map(crashOf(toPlainFault(error)), spec);
  }

  function setLevel(level: LogLevel) {
    Atomics.store(shared.marks, MARK.level, LOG_LEVELS.indexOf(level));
  }

  function send(message: ToWorkerThread) {
    port.postMessage(message);
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
    answer(call, answer) {
      inbox.answered(call);
      send({ do: 'answer', id: call, answer });
    },
    level: setLevel,
    isRunning: () => currentOf(shared) !== 0,
    measure: memory.measure,
    children: probe.children,
    held: () => ({ worker: id, ...memory.held() }),
    overgrown: (bytes) => void kill(workerFaults.overLimit(bytes, limits.memoryBytes, 0)),
    reading() {
      if (!isUp()) return undefined;
      const running = runningIn(shared, time);
      const quietMs = running && Math.max(0, clock() - shared.times[TIME.progressAt]!);
      return { worker: id, ...probe.read(), running, lastBeat: lastBeat() || null, quietMs };
    },
    drain: () => receive(null),
  };
}

/** The job in progress. The thread writes what is read here, and a plugin that reaches its memory may write anything. */
function runningIn(shared: Shared, time: Time): Running | null {
  const seq = currentOf(shared);
  const startedAt = shared.times[TIME.startedEpoch]!;
  return seq <= 0 ? null : { seq, startedAt: Number.isFinite(startedAt) ? startedAt : time.now() };
}
