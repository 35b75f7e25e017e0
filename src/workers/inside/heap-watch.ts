import type { HeapProfileHandle } from 'node:v8';
import type { Worker } from 'node:worker_threads';
import type { Evidence } from '../ports.ts';
import { type FindPlace, type HeapProfile, largestSites, mergedSites } from './profiles.ts';

type Sites = NonNullable<Evidence['heap']>;

/** From this share of the limit on a worker's allocations are sampled, … */
export const NEAR_LIMIT = 0.7;
/** … until it is below this one again. */
const FAR_FROM_LIMIT = 0.6;
/** Interval at which samples are read: a thread that dies of its heap gives none any more. */
const READ_EVERY_MS = 5_000;
const SAMPLE_BYTES = 128 * 1024;

/** Notes what allocates the memory of a worker that comes near its limit, while it is still healthy. */
export interface HeapWatch {
  /** The worker holds so much now. */
  look(bytes: number): void;
  /** Reads what was sampled up to now; what was read before if the thread does not answer. undefined: nothing was sampled. */
  read(): Promise<Sites | undefined>;
  /** The sites that were read last. */
  known(): Sites | undefined;
  /**
   * Ends the sampling for good; resolves when the thread is not sampled any more. V8 (Node 26.10) now and then brings down the
   * whole process when a thread is ended while its heap is sampled, or is about to be.
   */
  end(): Promise<void>;
}

export function createHeapWatch(
  worker: Worker,
  limitBytes: number,
  needs: { clock(): number; find: FindPlace },
): HeapWatch {
  let handle: HeapProfileHandle | undefined;
  let isEnded = false;
  /** The step that is under way; undefined when there is none. */
  let step: Promise<void> | undefined;
  let since = 0;
  let known: Sites | undefined;

  async function begin() {
    if (isEnded) return;
    handle = await worker.startHeapProfile({ sampleInterval: SAMPLE_BYTES });
    since = needs.clock();
  }

  async function takeSnapshot() {
    const stopping = handle;
    handle = undefined;
    if (!stopping) return;
    const profile = JSON.parse(await stopping.stop()) as HeapProfile;
    known = mergedSites(known ?? [], largestSites(profile, needs.find));
  }

  /** Does one step at a time, and nothing while another is under way. A thread that is ending rejects. */
  function alone(work: () => Promise<void>): Promise<void> {
    step ??= work()
      .catch(() => {})
      .finally(() => {
        step = undefined;
      });
    return step;
  }

  /** Does the step after the one that is under way. */
  async function next(work: () => Promise<void>) {
    await step;
    await alone(work);
  }

  return {
    look(bytes) {
      if (isEnded) return;
      if (bytes < FAR_FROM_LIMIT * limitBytes) {
        if (handle)
          void alone(async () => {
            await takeSnapshot();
            known = undefined;
          });
      } else if (!handle) {
        if (bytes >= NEAR_LIMIT * limitBytes) void alone(begin);
      } else if (needs.clock() - since >= READ_EVERY_MS) {
        void alone(async () => {
          await takeSnapshot();
          await begin();
        });
      }
    },
    async read() {
      await next(takeSnapshot);
      return known;
    },
    known: () => known,
    async end() {
      isEnded = true;
      await next(async () => {
        await handle?.stop();
        handle = undefined;
      });
    },
  };
}
