import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { isHostAway } from '../connection.ts';
import { createKeyboard, listenForKeys } from '../dev/keyboard.ts';
import { createScreen } from '../dev/screen.ts';
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

/** The lowest level of the log that this terminal shows. */
const FIRST_LEVEL = 'info';

/**
 * Runs a host as long as this command runs, with its log in the terminal, one answer to each saved file, and keys for
 * frequent commands. The command is a client like any other; the host notices only its end.
 */
export async function devCommand(stage: Stage): Promise<number> {
  const begun = stage.time.monotonic();
  const host = await startDevHost(stage);
  const screen = createScreen(stage, FIRST_LEVEL);
  let keys: { close(): void } | undefined;
  const quit = () => {
    if (host.stop()) screen.say('  stopping: running jobs are finished first; once more ends them at once');
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, quit);
  try {
    const client = await stage.connect();
    const ended = [
      client.ask('changes', {}, (item) => screen.change(item)),
      client.ask('follow', { level: 'debug' }, (item) => screen.log(item)),
    ];
    const status = await client.ask('status', {});
    const keyboard = createKeyboard({ stage, client, screen, quit });
    screen.banner(status, stage.time.monotonic() - begun, process.stdin.isTTY ? keyboard.keys(status) : []);
    if (process.stdin.isTTY) keys = listenForKeys(process.stdin, keyboard.press);
    for (const one of ended) one.catch(unlessAway);
    const { asked, how } = await host.ended;
    if (asked) screen.say(`${stage.paint('green', '✓')} stopped`);
    else stage.note(`${stage.paintNote('red', '✗')} the host ${how}\n  ${stage.paintNote('cyan', '→')} daruma logs`);
    return asked ? 0 : 1;
  } finally {
    keys?.close();
    for (const signal of signals) process.off(signal, quit);
    host.kill();
    await host.ended;
  }
}

function unlessAway(thrown: unknown): void {
  if (!isHostAway(thrown)) throw thrown;
}

/** Starts one and resolves when it works; rejects with the host's own Fault when it cannot. */
async function startDevHost(stage: Stage): Promise<DevHost> {
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
