import { randomBytes } from 'node:crypto';
import type { Time } from '../../../kernel/time.ts';
import type { Caller } from './worker-keys.ts';

/** A call that is being answered. */
export interface ClientCall extends Caller {
  id: string;
  /** Aborted when its attempt ended or its client went away. */
  signal: AbortSignal;
  abort(why: string): void;
}

/** The calls that are being answered. */
interface ClientCalls {
  /** undefined: so many are open already that no more is taken. */
  open(caller: Caller): ClientCall | undefined;
  close(call: ClientCall): void;
  /** Aborts the calls of attempts that have ended. */
  ended(attempts: readonly { job: string; attempt: number }[]): void;
}

const MOST_OPEN = 512;

/** Calls come in rows: the memory of a row goes back when none has come for so long, in ms. */
const IDLE_MS = 5_000;

interface ClientCallsNeeds {
  time: Pick<Time, 'after'>;
  /** No call is open, and none was for a while. */
  idle(): void;
}

export function createClientCalls({ time, idle }: ClientCallsNeeds): ClientCalls {
  const calls = new Map<string, ClientCall>();
  let stopIdle = () => {};
  return {
    open(caller) {
      stopIdle();
      if (calls.size >= MOST_OPEN) return undefined;
      const controller = new AbortController();
      const id = randomBytes(12).toString('hex');
      const call = {
        ...caller,
        id,
        signal: controller.signal,
        abort: (why: string) => controller.abort(new Error(why)),
      };
      calls.set(id, call);
      return call;
    },
    close({ id }) {
      calls.delete(id);
      if (calls.size > 0) return;
      stopIdle();
      stopIdle = time.after(IDLE_MS, idle);
    },
    ended(attempts) {
      if (calls.size === 0) return;
      const over = new Set(attempts.map(({ job, attempt }) => `${job} ${attempt}`));
      for (const call of calls.values())
        if (over.has(`${call.job} ${call.attempt}`)) call.abort('the attempt has ended');
    },
  };
}
