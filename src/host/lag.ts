import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the host's own loop turns. */
export interface Lag {
  /** The 99th percentile since the last call, in ms. */
  p99Ms(): number;
  stop(): void;
}

const RESOLUTION_MS = 20;

export function createLag(): Lag {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  return {
    p99Ms() {
      // The histogram holds the whole interval between two samples, the asked-for pause included.
      const late = Math.max(0, delays.percentile(99) / 1e6 - RESOLUTION_MS);
      delays.reset();
      return Math.round(late * 10) / 10;
    },
    stop: () => void delays.disable(),
  };
}
