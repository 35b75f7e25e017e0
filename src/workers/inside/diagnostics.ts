import type { Worker } from 'node:worker_threads';
import type { PlainFault } from '../../kernel/fault.ts';
import { threadIdOf, threadStat } from '../../kernel/proc.ts';
import type { Time } from '../../kernel/time.ts';
import type { CellFindings } from '../wire.ts';
import type { HeapWatch } from './heap-watch.ts';
import type { MemoryProbe } from './memory-guard.ts';
import { type CpuProfile, type FindPlace, hottest, idleShare } from './profiles.ts';

/** All questions together stay below a second, whatever the thread does. */
const START_MS = 550;
const LOOK_MS = 200;
const STOP_MS = 200;
/** A thread that is over its limit goes on taking memory meanwhile: a shorter look, and none at one that takes it fast. */
const OVER_LIMIT_LOOK_MS = 120;
const OVER_LIMIT_WAIT_MS = 150;
const MOST_GROWTH_SHARE = 0.1;
/** A thread that has not answered a question for so long is not asked more. */
const UNANSWERED_MS = 700;
const SAMPLE_EVERY_MS = 2;
/** A thread in native code does not stop to be sampled: after this time it is ended without a sample. */
const STOP_SAMPLING_MS = 150;
/** A thread with a smaller share of a core waits. */
const LEAST_CPU = 0.2;

interface DiagnosticsNeeds {
  time: Time;
  clock(): number;
  /** The thread's name. */
  name: string;
  probe: MemoryProbe;
  heap: HeapWatch;
  find: FindPlace;
  lastBeat(): string;
}

const NEVER = new Promise<never>(() => {});

/** Looks into a worker before it is killed. */
export interface Diagnostics {
  /** Findings that are known without asking the thread. */
  known(): CellFindings;
  /** Adds what the thread gives away of itself. Resolves within a second, sooner for one that grows, and never rejects. */
  complete(found: CellFindings, why: PlainFault): Promise<void>;
  /** Ends the sampling of allocations, before the thread is ended. Resolves within 150 ms, at once when nothing is sampled. */
  endSampling(): Promise<void>;
}

export function createDiagnostics(worker: Worker, needs: DiagnosticsNeeds): Diagnostics {
  const { time, clock, probe, heap } = needs;

  function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const stop = time.after(ms, () => resolve(undefined));
    return Promise.race([promise.catch(() => undefined), late]).finally(stop);
  }

  /** Begins to compare two looks at the thread; the second one is taken when its function is called. */
  function beginLook() {
    const tid = threadIdOf(needs.name);
    const before = tid === undefined ? undefined : threadStat(tid);
    const began = clock();
    const loopBefore = probe.loop();
    // A second question: on a busy machine a profile comes too late from a thread that could be asked.
    probe.measure();
    return (profile: CpuProfile | undefined): string => {
      const now = tid === undefined ? undefined : threadStat(tid);
      const ms = clock() - began;
      const cpu = now && before && ms > 0 ? Math.min(1, (now.cpuMs - before.cpuMs) / ms) : null;
      return threadWords({
        silentMs: profile ? 0 : probe.unansweredMs(),
        // Node's own figure takes a thread that was woken for its profile for busy: only one from before is true.
        loop: profile ? 1 - (idleShare(profile) ?? 0) : (loopBefore ?? 1),
        // On a busy machine one that would run gets little of it.
        waits: cpu === null ? null : cpu < LEAST_CPU && !(before?.state === 'R' && now?.state === 'R'),
        // Being sampled wakes it now and then.
        waitsIn: before?.waitsIn || now?.waitsIn || '',
      });
    };
  }

  async function lookAtThread(found: CellFindings, lookMs: number, waitMs: { start: number; stop: number }) {
    const endLook = beginLook();
    let profile: CpuProfile | undefined;
    const handle =
      probe.unansweredMs() > UNANSWERED_MS
        ? undefined
        : await within(waitMs.start, worker.startCpuProfile({ sampleInterval: SAMPLE_EVERY_MS }));
    // When the thread has not answered, enough time has gone by to see whether it takes CPU time.
    if (handle || waitMs.start < lookMs) await within(lookMs, NEVER);
    if (handle) {
      const text = await within(waitMs.stop, handle.stop());
      if (text) profile = JSON.parse(text) as CpuProfile;
    }
    found.thread = endLook(profile);
    const hot = profile ? hottest(profile, needs.find) : [];
    if (hot.length > 0) found.hot = hot;
  }

  async function lookAtMemory(found: CellFindings) {
    const sites = (await within(OVER_LIMIT_WAIT_MS, heap.read())) ?? heap.known();
    if (sites && sites.length > 0) found.heap = sites;
  }

  return {
    known() {
      const found: CellFindings = { at: time.now(), tookMs: 0 };
      const memory = probe.memory();
      if (memory) found.memory = memory;
      const beat = needs.lastBeat();
      if (beat) found.lastBeat = beat;
      const sites = heap.known();
      if (sites && sites.length > 0) found.heap = sites;
      return found;
    },
    async complete(found, why) {
      const began = clock();
      const isOver = why.code === 'OVER_LIMIT';
      try {
        if (isOver) {
          await lookAtMemory(found);
          const spareBytes = MOST_GROWTH_SHARE * (found.memory?.limitBytes ?? 0);
          if (probe.growthPerMs() * OVER_LIMIT_LOOK_MS <= spareBytes) {
            await lookAtThread(found, OVER_LIMIT_LOOK_MS, { start: OVER_LIMIT_WAIT_MS, stop: OVER_LIMIT_WAIT_MS });
          }
        } else await lookAtThread(found, LOOK_MS, { start: START_MS, stop: STOP_MS });
      } catch {
        // The thread ended meanwhile: the findings so far are all.
      }
      found.tookMs = Math.round(clock() - began);
    },
    endSampling: () => within(STOP_SAMPLING_MS, heap.end()),
  };
}

/** Signs of what a thread did while it was looked at. */
interface ThreadSigns {
  /** The share of the time in which its event loop had something to do, 0 … 1. */
  loop: number;
  /** Whether the thread stands still and takes no CPU time; null where the system does not say. */
  waits: boolean | null;
  /** For how long the thread has not answered a question, in ms; 0: the thread answered. */
  silentMs: number;
  /** The kernel function in which it waits; empty when it runs, or when the system does not say. */
  waitsIn: string;
}

/** A loop with less to do awaits, … */
const IDLE = 0.2;
/** … and one with more is held by one piece of code. */
const HELD = 0.9;

/** The state of a thread in words, from three signs that together tell six states apart. */
export function threadWords({ loop, waits, silentMs, waitsIn }: ThreadSigns): string {
  const place = waitsIn ? ` (${waitsIn})` : '';
  if (silentMs > 0) {
    const what = waits === null ? 'be' : waits ? 'wait' : 'compute';
    return `seems to ${what} in native code${waits ? place : ''}: it has not answered for ${Math.round(silentMs)} ms`;
  }
  if (loop < IDLE) return 'waits for a timer, a reply or a promise: its event loop is idle';
  if (loop < HELD) return `is busy for ${Math.round(loop * 100)} % of its time, and its event loop turns`;
  return waits
    ? `sleeps in JavaScript and lets nothing else run${place}`
    : 'spins in JavaScript and lets nothing else run';
}
