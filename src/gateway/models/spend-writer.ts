import { MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import type { SpendAhead, SpendLimits, SpendRow, SpendStore } from './spend.ts';
import { isAhead, type SpendAccount, toWrite } from './spend-accounts.ts';
import type { SpendDays } from './spend-days.ts';
import { each, isNothing } from './spend-rules.ts';

interface WriterNeeds {
  time: Time;
  store: SpendStore;
  days: SpendDays;
  /** Of all agents. */
  limits(): SpendLimits;
  /** No call comes any more: nothing is written ahead. */
  isLast(): boolean;
}

interface Change {
  account: SpendAccount;
  rows: SpendRow[];
  ahead: SpendAhead;
}

/** Nothing is ahead of an agent that made no call for so long: its next one waits for the disk, and a kill takes nothing of it for spent. */
const IDLE_MS = MINUTE_MS / 2;

/**
 * Writes accounts down. The promise resolves when the store covers all that was used when it was made; calls that come while a write
 * goes on share the next one.
 */
export function createSpendWriter({ time, store, days, limits, isLast }: WriterNeeds): () => Promise<void> {
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function written(): Promise<void> {
    if (!writing) return write();
    next ??= writing
      .catch(() => {})
      .then(() => {
        next = undefined;
        return write();
      });
    return next;
  }

  function write(): Promise<void> {
    const changes = gather();
    if (changes.length === 0) return Promise.resolve();
    for (const { account, ahead } of changes) {
      // Until the end of the write, and after one that failed, nobody knows which of the two the store has.
      account.covered = each(account.covered, ahead, Math.min);
      account.isSure = false;
      account.dirty.clear();
    }
    const [rows, ahead] = [changes.flatMap((change) => change.rows), changes.map((change) => change.ahead)];
    writing = store
      .putSpend(rows, ahead)
      .then(
        () => changes.forEach(settled),
        (thrown) => {
          for (const { account, rows: lost } of changes) for (const { rung } of lost) account.dirty.add(rung);
          throw thrown;
        },
      )
      .finally(() => {
        writing = undefined;
      });
    return writing;
  }

  function gather(): Change[] {
    const { day } = days.today();
    const idleSince = time.monotonic() - IDLE_MS;
    return days.all().flatMap((one) =>
      [...one.accounts.values()].flatMap((account) => {
        if (account.dirty.size === 0 && !isAhead(account) && isNothing(account.reserved)) return [];
        const isIdle = isLast() || one.day !== day || account.calledAt < idleSince;
        const change = { account, ...toWrite(account, isIdle, limits()) };
        const { covered } = account;
        const isKnown = (['calls', 'tokens', 'micros'] as const).every((part) => covered[part] === change.ahead[part]);
        return account.isSure && isKnown && change.rows.length === 0 ? [] : [change];
      }),
    );
  }

  function settled({ account, ahead: { calls, tokens, micros } }: Change) {
    account.covered = { calls, tokens, micros };
    account.isSure = true;
  }

  return written;
}
