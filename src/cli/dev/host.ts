import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import type { Stage } from '../ports.ts';

/** After this long, `daruma dev` says what it is waiting for. */
const PATIENCE_MS = 500;

/** A host that lives no longer than this process, however this one ends. */
interface DevHost {
  /** Asks it to end in order; asked again, ends it at once. True the first time. */
  stop(): boolean;
  kill(): void;
  /** `asked`: it ended because it was to. `how`: one sentence without a subject. */
  ended: Promise<{ asked: boolean; how: string }>;
}

/** Starts one and resolves when it works; rejects with the host's own Fault when it cannot. */
export async function startDevHost(stage: Stage): Promise<DevHost> {
  const main = process.argv[1]!;
  const fromSources = main.endsWith('.ts') ? ['--dev'] : [];
  const args = [...process.execArgv, main, 'host', '--dir', stage.folder, '--json', '--with-parent', ...fromSources];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {});
  child.stderr.setEncoding('utf8').on('data', (text: string) => process.stderr.write(text));
  let asked = false;
  const ended = new Promise<{ asked: boolean; how: string }>((resolve) => {
    child.once('error', (error) => resolve({ asked, how: `could not be started: ${error.message}` }));
    child.once('close', (code, signal) =>
      resolve({ asked, how: signal ? `was killed by ${signal}` : `ended with code ${code}` }),
    );
  });
  const host: DevHost = {
    stop() {
      if (asked) child.kill('SIGKILL');
      // The host ends with this pipe, so it does even when this process is killed.
      else child.stdin.end();
      const isFirst = !asked;
      asked = true;
      return isFirst;
    },
    kill: () => void child.kill('SIGKILL'),
    ended,
  };
  const stopPatience = stage.time.after(PATIENCE_MS, () => stage.note('  starting: what is new is compiled first'));
  const early = (signal: NodeJS.Signals) => void child.kill(signal === 'SIGINT' ? 'SIGTERM' : signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, early);
  try {
    await Promise.race([readiness(child.stdout), ended.then(({ how }) => Promise.reject(gone(how)))]);
  } catch (thrown) {
    child.kill('SIGKILL');
    throw thrown;
  } finally {
    stopPatience();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, early);
  }
  return host;
}

/** The host's one line: that it is ready, or why it is not. */
function readiness(stdout: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).once('line', (line) => {
      const { error } = JSON.parse(line) as { error?: PlainFault };
      if (error) reject(new Fault(error));
      else resolve();
    });
  });
}

function gone(how: string): Fault {
  return new Fault({ code: 'HOST_FAILED', message: `the host ${how} before it was ready`, next: 'daruma logs' });
}
