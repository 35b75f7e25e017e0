import { Fault } from '../kernel/fault.ts';
import type { WorkersNeeds } from '../workers/ports.ts';

type Answer = WorkersNeeds['answer'];

/** Hands the calls of workers to the rooms that answer them. Those rooms are built after the workers, from which calls come. */
interface CallRouter {
  answer: Answer;
  /** From now on calls are answered by `handler`; before, they are refused with `HOST_STARTING`. */
  serve(handler: Answer): void;
}

export function createCallRouter(): CallRouter {
  let handler: Answer = async () => {
    throw new Fault({ code: 'HOST_STARTING', message: 'the host is starting', next: 'ask again' });
  };
  return {
    answer: (call, by) => handler(call, by),
    serve(given) {
      handler = given;
    },
  };
}
