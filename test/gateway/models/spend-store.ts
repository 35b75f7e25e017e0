import type { SpendAhead, SpendRow, SpendStore } from '../../../src/gateway/models/spend.ts';

/**
 * A store of what models cost, in memory. While `isHeld`, writes wait for {@link release}, as for a disk; a write that waits when the host
 * is killed is kept or lost.
 */
export function spendStore() {
  const rows = new Map<string, SpendRow>();
  const ahead = new Map<string, SpendAhead>();
  let waiting: { write(): void; resolve(): void; reject(thrown: Error): void }[] = [];
  let isHeld = false;
  let refused: Error | undefined;

  let life = 0;

  /** The store as one host has it: nothing of a host that was killed comes through any more. */
  const handle = (mine = life): SpendStore => ({
    spendRows: async ({ from, to, agent }) =>
      [...rows.values()].filter((row) => row.day >= from && row.day <= to && (agent ?? row.agent) === row.agent),
    spendAhead: async () => [...ahead.values()],
    putSpend(newRows, newAhead) {
      if (mine !== life) return new Promise(() => {});
      const write = () => {
        for (const row of newRows) rows.set(`${row.day} ${row.agent} ${row.rung}`, row);
        for (const one of newAhead) {
          const key = `${one.day} ${one.agent}`;
          if (one.calls + one.tokens + one.micros === 0) ahead.delete(key);
          else ahead.set(key, one);
        }
      };
      if (refused) return Promise.reject(refused);
      if (!isHeld) {
        write();
        return Promise.resolve();
      }
      return new Promise((resolve, reject) => waiting.push({ write, resolve, reject }));
    },
  });
  return {
    handle,
    rows: () => [...rows.values()],
    ahead: () => [...ahead.values()],
    /** Refuses writes from now on; undefined: takes them again. */
    refuse(thrown: Error | undefined) {
      refused = thrown;
    },
    hold() {
      isHeld = true;
    },
    /** Carries out the writes that wait, or refuses them. */
    release(thrown?: Error) {
      const now = waiting;
      waiting = [];
      isHeld = false;
      for (const { write, resolve, reject } of now) {
        if (thrown) reject(thrown);
        else {
          write();
          resolve();
        }
      }
    },
    /** The host is gone: each write that waits came through or did not. */
    kill(cameThrough: (place: number) => boolean) {
      for (const [place, { write }] of waiting.entries()) if (cameThrough(place)) write();
      waiting = [];
      isHeld = false;
      life++;
    },
  };
}
