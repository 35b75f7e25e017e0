import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** So many threads may end before their memory is asked back. */
const EVERY = 10;

/**
 * Gives back what ended threads have left. A cell's own heap hardly grows, so it is hardly ever collected, and each
 * thread that ended holds some 100 KB of native memory until it is: 200 reloads would look like a leak of 20 MB.
 * The returned function is called once for each thread that has ended; one sweep takes a few milliseconds.
 */
export function createSweep(): () => void {
  let ended = 0;
  let collect: (() => void) | undefined;
  return () => {
    ended += 1;
    if (ended % EVERY !== 0) return;
    collect ??= collector();
    setImmediate(collect);
  };
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  // The threads of this process must not find it in their globals.
  setFlagsFromString('--no-expose-gc');
  return gc;
}
