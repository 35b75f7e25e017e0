/**
 * The builder: the process that compiles plugins and has each of them inspected in a load process. The builder runs no
 * plugin code, and ends with its parent.
 *
 *   process [folder that it may write in]…
 */
import { Socket } from 'node:net';
import { stop as stopCompiler, transform } from 'esbuild';
import { toPlainFault } from '../../kernel/fault.ts';
import { openFrameChannel } from '../../kernel/frames.ts';
import { OOM_SCORES, raiseOomScore } from '../../kernel/proc.ts';
import { compile } from './compile.ts';
import { inspect } from './inspect.ts';
import { createLoadProcesses } from './load-process.ts';
import { BUILDER_BOUNDS, type FromBuilder, type ToBuilder } from './messages.ts';
import { shutBuilderIn } from './shut-in.ts';

raiseOomScore(OOM_SCORES.builder);
// Before any process or thread is started: the compiler inherits the fences.
const unfenced = shutBuilderIn(process.argv.slice(2));
const pipe = new Socket({ fd: 3 });
const channel = openFrameChannel(pipe, { receive, broken: end }, BUILDER_BOUNDS);
const loads = createLoadProcesses();
pipe.on('close', end);
// The compiler's own process and the first load process start while the saved file is still settling.
void transform('').catch(() => {});
loads.warm();

function receive(messages: unknown) {
  for (const message of messages as ToBuilder[]) void handle(message);
}

async function handle(message: ToBuilder) {
  if (message.ask === 'end') return end();
  try {
    if (unfenced) throw unfenced;
    const answer = message.ask === 'compile' ? await compile(message) : await inspect(message, loads);
    post({ is: 'answer', id: message.id, answer });
  } catch (error) {
    post({ is: 'failed', id: message.id, fault: toPlainFault(error, 'BUILDER_FAILED') });
  }
}

function post(message: FromBuilder) {
  channel.send([message]);
}

/**
 * The compiler's process and load processes are given time to end, so that they are reaped here and pid 1 is left no
 * zombie.
 */
const REAP_MS = 50;

function end() {
  loads.close();
  void stopCompiler().finally(() => setTimeout(() => process.kill(process.pid, 'SIGKILL'), REAP_MS));
}
