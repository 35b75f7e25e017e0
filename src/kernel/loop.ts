import type { Service } from './service.ts';
import type { Time } from './time.ts';

interface LoopNeeds {
  time: Time;
  /** A turn threw. The loop turns on. */
  failed(error: unknown): void;
}

/** The loop, as its turn sees it. */
export interface Turn {
  /** Aborted by `stop`, which waits for the turn's end. */
  signal: AbortSignal;
  /** A long turn goes on: the loop is alive. */
  progress(): void;
}

interface LoopTerms {
  /** From the end of a turn to the begin of the next, in ms, unless the turn returns another length. */
  everyMs: number;
  /** From `start` to the first turn, in ms. Default 0: the first turn begins within `start`, which does not wait for its end. */
  firstMs?: number;
  /** May return when the next turn begins, in ms from its end; 0 or less: at once. */
  turn(turn: Turn): Promise<number | undefined> | Promise<void> | number | undefined | void;
}

/** A service that turns again and again. */
export interface Loop extends Service {
  /** The next turn begins now, or as soon as the turn that goes on has ended. A stopped loop ignores the call. */
  soon(): void;
}

interface Life {
  turnedAt: number;
  leave: AbortController;
  /** The turn that goes on. */
  turning: Promise<void> | undefined;
  isTurning: boolean;
  isAsked: boolean;
  cancel(): void;
}

/**
 * Turns until it is stopped, never twice at once. `alive` says when a turn last began or ended, so a turn that hangs is
 * seen by the guardian.
 */
export function createLoop({ time, failed }: LoopNeeds, { everyMs, firstMs = 0, turn }: LoopTerms): Loop {
  let life: Life | undefined;
  /** The turn that went on when the loop was stopped. */
  let ending: Promise<void> | undefined;

  function begin(mine: Life) {
    mine.cancel();
    mine.isTurning = true;
    mine.isAsked = false;
    mine.turnedAt = time.monotonic();
    const progress = () => {
      mine.turnedAt = time.monotonic();
    };
    try {
      const answer = turn({ signal: mine.leave.signal, progress });
      if (!(answer instanceof Promise)) return end(mine, answer ?? everyMs);
      mine.turning = answer.then(
        (waitMs) => end(mine, waitMs ?? everyMs),
        (error) => fail(mine, error),
      );
    } catch (error) {
      fail(mine, error);
    }
  }

  function fail(mine: Life, error: unknown) {
    if (!mine.leave.signal.aborted) failed(error);
    end(mine, everyMs);
  }

  function end(mine: Life, waitMs: number) {
    mine.isTurning = false;
    mine.turning = undefined;
    if (life !== mine) return;
    mine.turnedAt = time.monotonic();
    if (mine.isAsked) begin(mine);
    else mine.cancel = time.after(Math.max(0, waitMs), () => begin(mine));
  }

  function beginIf(mine: Life) {
    mine.turning = undefined;
    if (life === mine) begin(mine);
  }

  return {
    async start() {
      if (life) return;
      const mine: Life = {
        turnedAt: time.monotonic(),
        leave: new AbortController(),
        turning: undefined,
        isTurning: false,
        isAsked: false,
        cancel() {},
      };
      life = mine;
      if (firstMs > 0) mine.cancel = time.after(firstMs, () => begin(mine));
      else if (ending) mine.turning = ending.then(() => beginIf(mine));
      else begin(mine);
    },
    async stop() {
      const mine = life;
      life = undefined;
      mine?.cancel();
      mine?.leave.abort(new Error('stopped'));
      if (mine?.turning) {
        const last = mine.turning.finally(() => {
          if (ending === last) ending = undefined;
        });
        ending = last;
      }
      await ending;
    },
    alive: () => life?.turnedAt,
    soon() {
      if (!life) return;
      if (life.isTurning || life.turning) life.isAsked = true;
      else begin(life);
    },
  };
}
