import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { type BareCall, type CallAnswer, type FromWorkerThread, OPEN_CALLS } from '../wire.ts';

/** Asks the host on behalf of attempts, and brings the answers back. */
export interface Calls {
  /** Rejects with the host's fault. A rejected call that the plugin does not await never ends the worker. */
  ask(seq: number, call: BareCall): Promise<unknown>;
  answer(id: number, answer: CallAnswer): void;
}

export function createCalls(post: (message: FromWorkerThread) => void): Calls {
  const open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void; asked: Error }>();
  let lastId = 0;

  return {
    ask(seq, call) {
      const promise = new Promise<unknown>((resolve, reject) => {
        if (open.size >= OPEN_CALLS) {
          throw new Fault({
            code: 'TOO_MANY_CALLS',
            message: `${OPEN_CALLS} calls of the context wait for an answer`,
            next: 'await them as you go',
          });
        }
        const id = ++lastId;
        open.set(id, { resolve, reject, asked: new Error() });
        post({ say: 'call', seq, id, call });
      });
      promise.catch(() => {});
      return promise;
    },
    answer(id, answer) {
      const call = open.get(id);
      open.delete(id);
      if (answer.is === 'answer') call?.resolve(answer.value);
      else call?.reject(refusal(answer.fault, call.asked));
    },
  };
}

/** The host's fault at the plugin's place: where it asked, not where the answer came in. */
function refusal(fault: PlainFault, asked: Error): Fault {
  const { stack: _, ...plain } = fault;
  return askedAt(new Fault(plain), asked);
}

/** The error with the stack of `asked`: where the plugin called, not where an answer came in. */
export function askedAt<E extends Error>(error: E, asked: Error): E {
  error.stack = `${error.name}: ${error.message}\n${asked.stack?.split('\n').slice(1).join('\n') ?? ''}`;
  return error;
}
