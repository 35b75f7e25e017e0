import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;

/** The delay of the host's own event loop: the 99th percentile, in ms. */
export interface LoopDelay {
  /** Of the minute that goes on, or of the one before where that was more. */
  now(): number;
  /** Of the minute that ends now. */
  takeMinute(): number;
  stop(): void;
}

/** Watches the loop from now on. */
export function watchLoopDelay(): LoopDelay {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let before = 0;
  delays.enable();

  function delayMs(): number {
    // The histogram holds the whole interval between two samples, the asked-for pause included.
    const late = Math.max(0, delays.percentile(99) / 1e6 - RESOLUTION_MS);
    return Math.round(late * 10) / 10;
  }

  return {
    now: () => Math.max(before, delayMs()),
    takeMinute() {
      before = delayMs();
      delays.reset();
      return before;
    },
    stop: () => void delays.disable(),
  };
}
