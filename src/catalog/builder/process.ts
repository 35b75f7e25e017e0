/** The builder: the process that compiles and inspects plugins, so that the host never does. It ends with its parent. */
import { stop as stopCompiler, transform } from 'esbuild';
import { toPlainFault } from '../../kernel/fault.ts';
import { endMeSooner, SOONER } from '../../kernel/proc.ts';
import { compile } from './compile.ts';
import { inspect } from './inspect.ts';
import type { FromBuilder, ToBuilder } from './messages.ts';

endMeSooner(SOONER.builder);
process.on('message', (message: ToBuilder) => void handle(message));
process.on('disconnect', end);
// Starts the compiler's own process while the saved file is still settling.
void transform('').catch(() => {});
post({ is: 'ready' });

async function handle(message: ToBuilder) {
  if (message.ask === 'end') return end();
  try {
    const answer = message.ask === 'compile' ? await compile(message) : await inspect(message);
    post({ is: 'answer', id: message.id, answer });
  } catch (error) {
    post({ is: 'failed', id: message.id, fault: toPlainFault(error, 'WORKSHOP_FAILED') });
  }
}

function post(message: FromBuilder) {
  if (process.connected) process.send!(message);
}

/** The compiler's process is given time to end, so that it is reaped here and no zombie is left to whoever is pid 1. */
const REAP_MS = 50;

/** `process.exit` would wait for a thread that sits in native code; the signal does not. */
function end() {
  void stopCompiler().finally(() => setTimeout(() => process.kill(process.pid, 'SIGKILL'), REAP_MS));
}
