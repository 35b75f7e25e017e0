import type { Time } from '../kernel/time.ts';

/** Lets callers wait until there is nothing left to do. */
export interface Idle {
  /** Resolves when nothing is left to do, at the latest after `withinMs`. */
  wait(withinMs: number): Promise<void>;
  /** Something was done: whoever waits is told if that was all. */
  look(): void;
  /** Lets everybody go. */
  release(): void;
}

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
