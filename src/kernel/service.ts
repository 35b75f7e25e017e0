/** A service runs until it is stopped. */
export interface Service {
  /** Resolves when it works. A second call changes nothing. */
  start(): Promise<void>;
  /** Resolves when nothing of it is left: no timer, no thread, no open file. Harmless twice and before `start`. */
  stop(): Promise<void>;
  /** When its loop last turned, in `time.monotonic()` ms; undefined while it is not started. */
  alive(): number | undefined;
}

/** Work that goes on in the background, so that a service can wait for its end. */
interface Tasks {
  /** Keeps the work until it has ended. */
  add(work: Promise<unknown>): void;
  /** How much of the work goes on. */
  count(): number;
  /** Resolves when no work is left, work that was added meanwhile included. Never rejects. */
  settled(): Promise<void>;
}

/** `failed` gets what a piece of work rejects with. */
export function createTasks(failed: (error: unknown) => void): Tasks {
  const working = new Set<Promise<void>>();
  return {
    add(work) {
      const task = work.then(
        () => void working.delete(task),
        (error: unknown) => {
          working.delete(task);
          failed(error);
        },
      );
      working.add(task);
    },
    count: () => working.size,
    async settled() {
      while (working.size > 0) await Promise.all(working);
    },
  };
}
