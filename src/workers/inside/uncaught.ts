import { Fault } from '../../kernel/fault.ts';
import { isError } from '../../kernel/reasons.ts';
import type { FromWorkerThread } from '../wire.ts';
import type { DeniedOwner } from './denied.ts';
import { ownerNow } from './job-owner.ts';
import { thrownOf } from './thrown.ts';

/** A timer that throws each time would fill the log until its worker is replaced. */
const MOST_REPORTED = 20;

/** A file that some job did not close is found when memory is swept: Node throws then, in the midst of whatever runs. */
function isOfGarbage(error: unknown): boolean {
  return isError(error) && error.message.startsWith('A FileHandle object was closed during garbage collection');
}

interface UncaughtNeeds {
  owner: DeniedOwner;
  post(message: FromWorkerThread): void;
  /** Sends all that was printed. */
  flush(): void;
  /** Ends the thread at once. */
  exit(code: number): never;
}

/**
 * Errors of a plugin that no code catches (in a timer, an event, a rejected promise), and its `process.exit`. Told as
 * it was thrown, with all its reasons, for Node's own words keep neither objects nor what an AggregateError is made of.
 *
 * An error of a left-over is reported as that of its ended job, and the thread goes on: the job that runs now did
 * nothing wrong. Anything else ends the thread. A plugin that listens itself is left to it.
 */
export function watchUncaught({ owner, post, flush, exit }: UncaughtNeeds): void {
  let reported = 0;
  const hasPluginListener = (event: string) => process.listenerCount(event) > 1;

  function uncaught(error: unknown) {
    const job = ownerNow();
    const thrown = thrownOf(error, owner);
    if (job?.hasEnded || isOfGarbage(error)) {
      if (reported++ < MOST_REPORTED) post({ say: 'left-over', is: 'error', job: job?.id ?? '', thrown });
      return;
    }
    post({ say: 'crashed', seq: job?.seq ?? null, thrown });
    flush();
    exit(1);
  }

  process.on('uncaughtException', (error) => {
    if (!hasPluginListener('uncaughtException')) uncaught(error);
  });
  process.on('unhandledRejection', (reason) => {
    if (hasPluginListener('unhandledRejection')) return;
    // The same as Node does without a listener.
    if (hasPluginListener('uncaughtException')) throw reason;
    uncaught(reason);
  });
  process.on('exit', flush);
  for (const name of ['exit', 'reallyExit'] as const) {
    const plain = (process as unknown as Record<string, (code?: unknown) => never>)[name]!;
    Object.defineProperty(process, name, {
      value: (code?: unknown) => {
        const status = Number(code ?? process.exitCode ?? 0);
        const message = `the plugin called process.exit(${status})`;
        if (ownerNow()?.hasEnded) throw new Fault({ code: 'ATTEMPT_ENDED', message });
        const thrown = thrownOf(new Error(message), owner);
        post({ say: 'exit', code: status, seq: ownerNow()?.seq ?? null, thrown });
        flush();
        return plain.call(process, code);
      },
    });
  }
}
