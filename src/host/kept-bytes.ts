import type { StateStore } from '../jobs/ports.ts';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import type { Time } from '../kernel/time.ts';
import { formatSize } from '../kernel/units.ts';

/** The code of the fault of an agent that would keep too much. */
export const STATE_FULL = 'STATE_FULL';

/** Holds each agent to the bytes that its state and the results of its effects may take together. */
export interface KeptBytes {
  /** Writes so many more bytes of the agent; rejects with a Fault `STATE_FULL`, and does not write, when they would be too many. */
  write<T>(agent: string, bytes: number, write: () => Promise<T>): Promise<T>;
  /** The agent gave something up. */
  freed(agent: string): void;
}

interface KeptBytesNeeds {
  time: Time;
  store: Pick<StateStore, 'keptBytes'>;
  /** The budget of each agent, in bytes, asked each time. */
  most(): number;
}

/** The count of one agent's bytes. */
interface Account {
  /** At the last count of the store; before the first, all of the budget but a part that is not worth a count. */
  counted: number | undefined;
  /** Let through since then: what was written over counts as if it were still there. */
  added: number;
  /** Of what was let through: what the store has not answered yet, so that a count may miss it. */
  open: number;
  counting: Promise<void> | undefined;
  /** The budget was full at the last count; it is not counted again before this time, monotonic ms. */
  fullUntil: number;
}

/** Bytes that are let through before the store is first asked. */
const UNCOUNTED_SHARE = 1 / 16;
/** An agent that is full is not counted anew for each refusal. */
const COUNT_EVERY_MS = 1_000;

/**
 * Most agents keep little: they cost a sum in memory for each write. The store counts an agent's bytes only when what was let through
 * since its last count could be too much.
 */
export function createKeptBytes({ time, store, most }: KeptBytesNeeds): KeptBytes {
  const accounts = new Map<string, Account>();

  const isFull = ({ counted, added }: Account, bytes: number) =>
    (counted ?? most() * (1 - UNCOUNTED_SHARE)) + added + bytes > most();

  async function count(agent: string, account: Account): Promise<void> {
    if (time.monotonic() < account.fullUntil) return;
    const before = account.added - account.open;
    account.counting ??= store
      .keptBytes(agent)
      .then((bytes) => {
        account.counted = bytes;
        account.added -= before;
      })
      .finally(() => {
        account.counting = undefined;
      });
    await account.counting;
  }

  return {
    async write(agent, bytes, write) {
      const account = accounts.get(agent) ?? newAccount();
      accounts.set(agent, account);
      if (isFull(account, bytes)) await count(agent, account);
      if (isFull(account, bytes)) {
        if (time.monotonic() >= account.fullUntil) account.fullUntil = time.monotonic() + COUNT_EVERY_MS;
        throw new Fault(stateFull(agent, most()));
      }
      account.added += bytes;
      account.open += bytes;
      try {
        return await write();
      } finally {
        account.open -= bytes;
      }
    },
    freed(agent) {
      const account = accounts.get(agent);
      if (account) account.fullUntil = 0;
    },
  };
}

const newAccount = (): Account => ({ counted: undefined, added: 0, open: 0, counting: undefined, fullUntil: 0 });

function stateFull(agent: string, most: number): PlainFault {
  return {
    code: STATE_FULL,
    message: `what ${agent} keeps (its state, and the results of its effects) would be more than ${formatSize(most)}`,
    next: `delete keys that it does not need (daruma state ${agent}), or raise state.budget in config/daruma.yaml`,
    data: { agent, most },
  };
}
