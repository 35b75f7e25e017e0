import { setTimeout as sleep } from 'node:timers/promises';

/** Offers numbered jobs at a steady rate, whether or not those before have ended. */
export interface Load {
  /** Jobs a second; may be changed. */
  rate: number;
  offered: number;
  /** Offers no more; resolves when all that were offered have been answered. */
  stop(): Promise<void>;
}

export function startLoad(rate: number, offer: (job: number) => Promise<void>): Load {
  const open = new Set<Promise<void>>();
  let isOn = true;
  const load: Load = {
    rate,
    offered: 0,
    async stop() {
      isOn = false;
      await turning;
      await Promise.all(open);
    },
  };
  const turning = turn();
  return load;

  async function turn() {
    let owed = 0;
    let last = performance.now();
    while (isOn) {
      const now = performance.now();
      owed += ((now - last) / 1_000) * load.rate;
      last = now;
      for (; owed >= 1; owed--) {
        const answered = offer(++load.offered);
        open.add(answered);
        void answered.finally(() => open.delete(answered));
      }
      await sleep(5);
    }
  }
}
