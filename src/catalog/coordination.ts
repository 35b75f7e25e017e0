import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';

/** Timers with names: setting one again replaces it. */
interface NamedTimers<Name extends string> {
  set(name: Name, ms: number, call: () => void): void;
  isSet(name: Name): boolean;
  /** Ends all timers, for good. */
  close(): void;
}

/** Timers with names, of which none is set yet. */
export function createNamedTimers<Name extends string>(time: Time): NamedTimers<Name> {
  const cancels = new Map<Name, () => void>();
  let closed = false;
  return {
    set(name, ms, call) {
      cancels.get(name)?.();
      if (closed) return;
      const cancel = time.after(ms, () => {
        cancels.delete(name);
        call();
      });
      cancels.set(name, cancel);
    },
    isSet: (name) => cancels.has(name),
    close() {
      closed = true;
      for (const cancel of cancels.values()) cancel();
      cancels.clear();
    },
  };
}

/** Work of the event loop that leaves most of the loop's time to everything else, however much of it comes. */
interface Throttle {
  /** Does the work now. */
  run(work: () => void): void;
  /** How long the next work has to wait, in ms; 0: not at all. */
  waitMs(): number;
}

/** After work the next rests for so many times as long as that took. */
const REST_FACTOR = 4;

/** A throttle of work of which nothing was done yet. */
export function createThrottle(time: Pick<Time, 'monotonic'>): Throttle {
  let until = Number.NEGATIVE_INFINITY;
  return {
    run(work) {
      const begun = time.monotonic();
      try {
        work();
      } finally {
        const over = time.monotonic();
        until = over + REST_FACTOR * (over - begun);
      }
    },
    waitMs: () => Math.max(0, until - time.monotonic()),
  };
}

/** Scans one after the other, never two at once: calls that come meanwhile are one more scan. */
interface SingleFlight {
  /** Resolves after a scan that began after the call. `full` scans everything. Never rejects. */
  ask(full: boolean): Promise<void>;
  /** Whether a scan is asked for that has not begun. */
  pending(): boolean;
  /** Begins no scan any more; resolves when none is going on. */
  close(): Promise<void>;
}

/** `look` is called once for all calls that come while it runs; `failed` gets what it rejects with. */
export function createSingleFlight(
  look: (full: boolean) => Promise<void>,
  failed: (error: unknown) => void,
): SingleFlight {
  let wanted: { full: boolean } | undefined;
  let last: Promise<void> = Promise.resolve();
  let closed = false;
  return {
    ask(full) {
      wanted = { full: full || (wanted?.full ?? false) };
      last = last.then(async () => {
        if (!wanted || closed) return;
        const { full: isFull } = wanted;
        wanted = undefined;
        await look(isFull).catch(failed);
      });
      return last;
    },
    pending: () => wanted !== undefined,
    close() {
      closed = true;
      return last;
    },
  };
}

/** Lets callers wait until there is nothing left to do. */
export interface Idle {
  /** Resolves when nothing is left to do, at the latest after `withinMs`. */
  wait(withinMs: number): Promise<void>;
  /** Lets waiting callers go if there is nothing left to do. */
  look(): void;
  /** Lets all callers go. */
  release(): void;
}

/** Waiting callers are let go when `isIdle` holds. */
export function createIdle(time: Time, isIdle: () => boolean): Idle {
  const waiting = new Set<() => void>();

  function release() {
    for (const call of [...waiting]) call();
  }

  return {
    release,
    look() {
      if (waiting.size > 0 && isIdle()) release();
    },
    wait(withinMs) {
      if (isIdle()) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          waiting.delete(done);
          cancel();
          resolve();
        };
        const cancel = time.after(withinMs, done);
        waiting.add(done);
      });
    },
  };
}

/** The callbacks that are called with each event. A callback that throws is logged; all others are called. */
interface Listeners<T> {
  /** Adds a callback; the returned function takes it away. */
  add(call: (event: T) => void): () => void;
  notify(what: T): void;
}

/** The callbacks of an event, none of them added yet. `log` gets the errors of callbacks that throw. */
export function createListeners<T>(log: Log): Listeners<T> {
  const calls = new Set<(event: T) => void>();
  return {
    add(call) {
      calls.add(call);
      return () => void calls.delete(call);
    },
    notify(what) {
      for (const call of [...calls]) {
        try {
          call(what);
        } catch (error) {
          log.error('a listener of the catalog failed', { fault: toPlainFault(error) });
        }
      }
    },
  };
}
