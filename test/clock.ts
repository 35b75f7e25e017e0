import type { Time } from '../src/kernel/time.ts';

export const T0 = Date.UTC(2026, 10, 24, 12);

/** A clock that stands still until it is moved. */
export class Clock implements Time {
  wall = T0;
  #timers = new Set<{ at: number; call(): void }>();

  now = () => this.wall;
  monotonic = () => this.wall - T0 + 1_000;
  random = () => 0.5;
  sleep = async () => {};
  after = (ms: number, call: () => void) => {
    const timer = { at: this.wall + ms, call };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Lets all that can happen happen, then moves on, timer by timer. `settle`: how it is known that all has happened. */
  async pass(ms: number, settle: () => Promise<void> = quiet) {
    const end = this.wall + ms;
    await settle();
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.wall = Math.max(this.wall, next.at);
      next.call();
      await settle();
    }
    this.wall = end;
  }

  timers = () => this.#timers.size;
}

/** Every promise that can resolve has done so. */
export async function quiet() {
  for (let round = 0; round < 20; round++) await new Promise<void>((resolve) => setImmediate(resolve));
}
