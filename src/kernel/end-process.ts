import { toPlainFault } from './fault.ts';

/** Ends this process at once: no handler, and nothing else in it, runs any more. */
export function endProcess(): never {
  process.kill(process.pid, 'SIGKILL');
  process.exit(1);
}

/**
 * Lets an error that nobody catches end this process, with its stack on stderr. The host kills a process that ends so, and starts
 * another: nothing in this one is to be trusted.
 */
export function endOnUncaught(): void {
  process.on('uncaughtException', (error) => {
    const { stack, message } = toPlainFault(error);
    process.stderr.write(`${stack ?? message}\n`);
    endProcess();
  });
}
