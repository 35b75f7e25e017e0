/** What a thread did while it was looked at. */
export interface ThreadSigns {
  /** The share of the time in which its event loop had something to do, 0 … 1. */
  loop: number;
  /** Whether it stands still and takes no CPU time; null where nobody can tell. */
  waits: boolean | null;
  /** Whether its JavaScript could be interrupted and asked. */
  answers: boolean;
  /** Where in the kernel it waits; empty when it runs or nobody may know. */
  waitsIn: string;
}

/** A loop with less to do awaits, … */
const IDLE = 0.2;
/** … and one with more is held by one piece of code. */
const HELD = 0.9;

/** The state of a thread in words, from three signs that together tell six states apart. */
export function threadWords({ loop, waits, answers, waitsIn }: ThreadSigns): string {
  const place = waitsIn ? ` (${waitsIn})` : '';
  if (!answers) {
    if (waits === null) return 'is in native code and cannot be interrupted';
    return `${waits ? 'waits' : 'computes'} in native code and cannot be interrupted${waits ? place : ''}`;
  }
  if (loop < IDLE) return 'awaits something that does not come: its event loop is idle';
  if (loop < HELD) return `is busy for ${Math.round(loop * 100)} % of its time, and its event loop turns`;
  return waits
    ? `sleeps in JavaScript and lets nothing else run${place}`
    : 'spins in JavaScript and lets nothing else run';
}
