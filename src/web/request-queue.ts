import type { Time } from '../kernel/time.ts';

/** A bound on requests that are answered at the same time: those beyond it wait for their turn, the first that came first. */
export interface RequestQueue {
  /** Resolves with the call that ends the turn; with undefined when too many wait, or none of them was over in time. */
  enter(): Promise<(() => void) | undefined>;
}

interface QueueBounds {
  /** Requests that are answered at a time. */
  atOnce: number;
  /** Requests that wait. */
  waiting: number;
  /** The longest wait, in ms. */
  withinMs: number;
}

export function createRequestQueue(
  time: Pick<Time, 'after'>,
  { atOnce, waiting, withinMs }: QueueBounds,
): RequestQueue {
  const queue = new Set<() => void>();
  let open = 0;

  /** A turn is handed on to the request that waits longest. */
  function leave() {
    const [next] = queue;
    if (next) next();
    else open -= 1;
  }

  /** Ending a turn twice ends it once. */
  function turn(): () => void {
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      leave();
    };
  }

  return {
    enter() {
      if (open < atOnce) {
        open += 1;
        return Promise.resolve(turn());
      }
      if (queue.size >= waiting) return Promise.resolve(undefined);
      const { promise, resolve } = Promise.withResolvers<(() => void) | undefined>();
      const stopClock = time.after(withinMs, () => {
        queue.delete(admit);
        resolve(undefined);
      });
      function admit() {
        queue.delete(admit);
        stopClock();
        resolve(turn());
      }
      queue.add(admit);
      return promise;
    },
  };
}
