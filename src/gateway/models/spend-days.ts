import { createToday, type ZonedDay } from '../../kernel/day.ts';
import type { Time } from '../../kernel/time.ts';
import type { Amounts, SpendStore } from './spend.ts';
import { chargeUnknown, isAhead, newAccount, type SpendAccount } from './spend-accounts.ts';
import { isNothing, NO_AMOUNTS, plus } from './spend-rules.ts';

/** The accounts of one day, and their sums. */
export interface SpendDay {
  day: string;
  accounts: Map<string, SpendAccount>;
  spent: Amounts;
  reserved: Amounts;
}

/** The days whose accounts are in memory: today, and others with calls in progress or rows that the store lacks. */
export interface SpendDays {
  /** In the host's zone. */
  today(): ZonedDay;
  get(day: string): SpendDay | undefined;
  /** The day, read from the store when it is not in memory. */
  load(day: string): Promise<SpendDay>;
  all(): SpendDay[];
  /** Forgets days that are over and written down. */
  forgetOld(): void;
}

export function createSpendDays({
  time,
  store,
  timezone,
}: {
  time: Time;
  store: SpendStore;
  timezone(): string;
}): SpendDays {
  const loading = new Map<string, Promise<SpendDay>>();
  const days = new Map<string, SpendDay>();
  const today = createToday(time, timezone);

  async function read(day: string): Promise<SpendDay> {
    const accounts = await readAccounts(store, day);
    const spent = [...accounts.values()].map((account) => account.spent).reduce(plus, NO_AMOUNTS);
    const one = { day, accounts, spent, reserved: NO_AMOUNTS };
    days.set(day, one);
    return one;
  }

  return {
    today,
    get: (day) => days.get(day),
    all: () => [...days.values()],
    async load(day) {
      const found = days.get(day);
      if (found) return found;
      const reads = loading.get(day) ?? read(day).finally(() => loading.delete(day));
      loading.set(day, reads);
      return reads;
    },
    forgetOld() {
      for (const { day, accounts, reserved } of days.values()) {
        const isUnwritten = [...accounts.values()].some((account) => account.dirty.size > 0 || isAhead(account));
        if (day !== today().day && !isUnwritten && isNothing(reserved)) days.delete(day);
      }
    },
  };
}

/** The accounts as the store has them; what was ahead when a host was killed counts as spent. */
async function readAccounts(store: SpendStore, day: string): Promise<Map<string, SpendAccount>> {
  const [rows, ahead] = await Promise.all([store.spendRows({ from: day, to: day }), store.spendAhead()]);
  const byAgent = Map.groupBy(rows, ({ agent }) => agent);
  const left = new Map(ahead.filter((one) => one.day === day).map((one) => [one.agent, one]));
  const agents = new Set([...byAgent.keys(), ...left.keys()]);
  return new Map(
    [...agents].map((agent) => {
      const account = newAccount(day, agent, byAgent.get(agent) ?? []);
      const unknown = left.get(agent);
      if (unknown) chargeUnknown(account, unknown);
      return [agent, account];
    }),
  );
}
