/** What a thread did while it was looked at. */
interface ThreadSigns {
  /** The share of the time in which its event loop had something to do, 0 … 1. */
  loop: number;
  /** Whether it stands still and takes no CPU time; null where nobody can tell. */
  waits: boolean | null;
  /** For how long it has not answered a question, in ms; 0: it did. */
  silentMs: number;
  /** Where in the kernel it waits; empty when it runs or nobody may know. */
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
