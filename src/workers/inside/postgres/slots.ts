import type { Time } from '../../../kernel/time.ts';

/** Places for connections: as many as the pool may have, handed out in the order in which they were asked for. */
interface Slots {
  /** Resolves when a place is free; rejects with the error of `late` after `withinMs`. `leave` gives up the wait. */
  enter(withinMs: number, late: () => Error): { entered: Promise<void>; leave(why: Error): void };
  free(): void;
  taken(): number;
  waiting(): number;
}

export function createSlots(max: number, time: Time, changed: () => void): Slots {
  const queue: (() => void)[] = [];
  let taken = 0;

  return {
    enter(withinMs, late) {
      const { promise: entered, resolve, reject } = Promise.withResolvers<void>();
      if (taken < max) {
        taken += 1;
        changed();
        resolve();
        return { entered, leave() {} };
      }
      const stop = time.after(withinMs, () => leave(late()));
      queue.push(next);
      changed();
      return { entered, leave };

      function next() {
        stop();
        resolve();
      }
      function leave(why: Error) {
        const at = queue.indexOf(next);
        if (at < 0) return;
        queue.splice(at, 1);
        stop();
        changed();
        reject(why);
      }
    },
    free() {
      const next = queue.shift();
      // The place goes on to the one that waits longest.
      if (next) next();
      else taken -= 1;
      changed();
    },
    taken: () => taken,
    waiting: () => queue.length,
  };
}
