import type { EventLoopUtilization } from 'node:perf_hooks';
import type { MessagePort, Worker } from 'node:worker_threads';
import type { PlainFault } from '../../kernel/fault.ts';
import { createIdleMemory } from '../../kernel/idle-memory.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import { type Point, slopeOf } from '../../kernel/statistics.ts';
import type { Time } from '../../kernel/time.ts';
import { workerFaults } from '../faults.ts';
import type { CellFindings, Reading, ToWorkerThread } from '../wire.ts';
import { createHeapWatch, type HeapWatch, NEAR_LIMIT } from './heap-watch.ts';
import type { FindPlace } from './profiles.ts';
import type { SuspectFacts } from './suspect.ts';

/** A thread that has not answered for so long is in native code. */
const ANSWERS_WITHIN_MS = 2_000;
/** Of the memory before now: one value a second, for a minute. */
const KEPT = 60;
const KEEP_EVERY_MS = 1_000;

/** Measures one worker from outside, also while it spins. A thread in native code does not answer; nothing piles up then. */
export interface MemoryProbe {
  /** Asks for its memory; the answer comes later. */
  measure(): void;
  /** Readings as known now; CPU time and loop are those since the last call. */
  read(): Pick<Reading, 'heapBytes' | 'externalBytes' | 'cpu' | 'loop' | 'answers'>;
  /** The memory of the processes that it owns, which counts as its own. */
  children(bytes: number): void;
  /** Memory of the worker and its processes when it last answered; undefined when it never did. */
  memory(): CellFindings['memory'];
  /** How fast the memory grew between its last two answers, in bytes per ms; not below 0. */
  growthPerMs(): number;
  /** Event-loop utilisation between the last two readings, 0 … 1; null before the first. */
  loop(): number | null;
  /** For how long a question has been waiting for its answer. */
  unansweredMs(): number;
}

/** `measured` is called with all that it holds, in bytes. `clock` in ms. */
function createMemoryProbe(
  worker: Worker,
  limitBytes: number,
  clock: () => number,
  measured: (bytes: number, childrenBytes: number) => void,
): MemoryProbe {
  let askedAt: number | undefined;
  let heapBytes: number | null = null;
  let externalBytes: number | null = null;
  let childrenBytes = 0;
  let cpu: number | null = null;
  let cpuBefore: { at: number; spent: number } | undefined;
  let asksCpu = false;
  let loop: number | null = null;
  let loopBefore: EventLoopUtilization | undefined;
  let latest: [older: Point | undefined, newer: Point | undefined] = [undefined, undefined];
  const kept: Point[] = [];

  function send() {
    if (heapBytes === null || externalBytes === null) return;
    const value = heapBytes + externalBytes + childrenBytes;
    const point = { at: clock(), value };
    latest = [latest[1], point];
    if (kept.length === 0 || point.at - kept.at(-1)!.at >= KEEP_EVERY_MS) kept.push(point);
    if (kept.length > KEPT) kept.shift();
    measured(value, childrenBytes);
  }

  function measure() {
    if (askedAt !== undefined) return;
    askedAt = clock();
    worker.getHeapStatistics().then(
      (heap) => {
        askedAt = undefined;
        heapBytes = heap.used_heap_size;
        externalBytes = heap.external_memory;
        send();
      },
      () => {
        // The thread is ending.
        askedAt = undefined;
      },
    );
  }

  function measureCpu() {
    if (asksCpu) return;
    asksCpu = true;
    worker.cpuUsage().then(
      ({ user, system }) => {
        asksCpu = false;
        const now = { at: clock(), spent: (user + system) / 1_000 };
        if (cpuBefore && now.at > cpuBefore.at) {
          cpu = Math.min(1, Math.max(0, (now.spent - cpuBefore.spent) / (now.at - cpuBefore.at)));
        }
        cpuBefore = now;
      },
      () => {
        asksCpu = false;
      },
    );
  }

  return {
    measure,
    read() {
      const answers = askedAt === undefined || clock() - askedAt < ANSWERS_WITHIN_MS;
      measureCpu();
      const now = worker.performance.eventLoopUtilization();
      const { utilization } = loopBefore ? worker.performance.eventLoopUtilization(now, loopBefore) : now;
      loopBefore = now;
      // Between two looks in one turn of the loop it is no number, and on a busy machine a little less than nothing.
      loop = Math.max(0, utilization || 0);
      return { heapBytes, externalBytes, cpu: answers ? cpu : null, loop, answers };
    },
    children(bytes) {
      childrenBytes = bytes;
      // A worker that waits for its processes in native code does not answer, but the memory of those processes counts.
      send();
    },
    memory() {
      if (heapBytes === null || externalBytes === null) return undefined;
      const perMinuteBytes = kept.length < 3 ? null : Math.round(slopeOf(kept) * MINUTE_MS);
      return { heapBytes, externalBytes, childrenBytes, limitBytes, perMinuteBytes };
    },
    growthPerMs() {
      const [older, newer] = latest;
      if (!older || !newer || newer.at <= older.at) return 0;
      return Math.max(0, (newer.value - older.value) / (newer.at - older.at));
    },
    loop: () => loop,
    unansweredMs: () => (askedAt === undefined ? 0 : clock() - askedAt),
  };
}

/** Near its limit a worker is measured so often. */
const NEAR_EVERY_MS = 100;
/** So long after its last job the heap of a worker is collected. */
const IDLE_MS = 5_000;

interface MemoryGuardNeeds {
  time: Time;
  /** The shared clock. */
  clock(): number;
  find: FindPlace;
  /** Whether the thread is loaded and has not begun to end. */
  isUp(): boolean;
  isRunning(): boolean;
  kill(why: PlainFault): void;
  /** To the worker's thread. */
  port: MessagePort;
}

/** Measures one worker, kills it above its limit, and has its heap collected when it is idle. */
interface MemoryGuard {
  readonly probe: MemoryProbe;
  readonly heap: HeapWatch;
  measure(): void;
  /** The worker got jobs. */
  used(): void;
  /** Bytes by the last answer of the worker, and for how long it has given no answer. */
  held(): Omit<SuspectFacts, 'worker'>;
  stop(): void;
}

export function createMemoryGuard(worker: Worker, limitBytes: number, needs: MemoryGuardNeeds): MemoryGuard {
  let stopNear: (() => void) | undefined;
  const probe = createMemoryProbe(worker, limitBytes, needs.clock, measured);
  const heap = createHeapWatch(worker, limitBytes, needs);
  const idle = createIdleMemory({
    ...needs,
    idleMs: IDLE_MS,
    heldBytes: () => held().heldBytes,
    collect: () => needs.port.postMessage({ do: 'collect' } satisfies ToWorkerThread),
  });
  idle.used();

  function measured(bytes: number, childrenBytes: number) {
    if (!needs.isUp()) return;
    if (bytes > limitBytes) return needs.kill(workerFaults.overLimit(bytes, limitBytes, childrenBytes));
    heap.look(bytes);
    if (bytes > NEAR_LIMIT * limitBytes && needs.isRunning()) {
      stopNear?.();
      stopNear = needs.time.after(NEAR_EVERY_MS, probe.measure);
    }
  }

  function held() {
    const { heapBytes = 0, externalBytes = 0 } = probe.memory() ?? {};
    const unansweredMs = needs.isUp() ? probe.unansweredMs() : 0;
    return { heldBytes: heapBytes + externalBytes, limitBytes, unansweredMs };
  }

  return {
    probe,
    heap,
    measure() {
      if (!needs.isUp()) return;
      probe.measure();
      idle.look();
    },
    used: idle.used,
    held,
    stop: () => stopNear?.(),
  };
}
