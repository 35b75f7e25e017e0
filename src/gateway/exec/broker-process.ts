import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { entryFile } from '../../kernel/paths.ts';
import type { Time } from '../../kernel/time.ts';
import type { BrokerTerms, FromBroker, ToBroker } from './wire.ts';

const BROKER = fileURLToPath(entryFile('gateway/exec/inside/broker.js'));
const STDERR_KEPT = 2_048;
/** Without its host it kills all that it started within 1.5 s, and then itself. */
const END_MS = 2_500;

interface BrokerNeeds {
  time: Time;
  receive(message: FromBroker): void;
  /** Called once, unless it was told to end; `how` in words. */
  lost(how: string): void;
}

/** The host's side of the broker. Messages told before it runs are waiting for it. */
export interface BrokerProcess {
  readonly pid: number | undefined;
  post(message: ToBroker): void;
  kill(): void;
  /** Ends it and everything that it runs. */
  end(): Promise<void>;
}

export function openBroker(terms: BrokerTerms, needs: BrokerNeeds, options: { cwd: string }): BrokerProcess {
  const over = Promise.withResolvers<void>();
  let stderr = '';
  let isEnding = false;
  let isOver = false;
  const child = fork(BROKER, [], {
    cwd: options.cwd,
    // What commands get comes with each order; of the host's own environment nothing is passed on.
    env: {},
    execArgv: ['--no-warnings'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  child.stderr!.on('error', () => {});
  child.on('message', (message) => {
    if (!isOver && !isEnding) needs.receive(message as FromBroker);
  });
  child.on('error', (error) => {
    if (child.pid === undefined) lost(`could not be started: ${error.message}`);
  });
  child.on('exit', (code, signal) => {
    const last = stderr.trim().split('\n').at(-1);
    lost(`${signal ? `was killed by ${signal}` : `ended with code ${code}`}${last ? `: ${last}` : ''}`);
  });

  function lost(how: string) {
    if (isOver) return;
    isOver = true;
    over.resolve();
    if (!isEnding) needs.lost(how);
  }

  function post(message: ToBroker) {
    if (child.connected) child.send(message, undefined, {}, (error) => error && kill());
  }

  function kill() {
    if (!isOver) child.kill('SIGKILL');
  }

  post({ do: 'begin', terms });
  return {
    pid: child.pid,
    post,
    kill,
    async end() {
      isEnding = true;
      if (child.connected) child.disconnect();
      const stop = needs.time.after(END_MS, kill);
      await over.promise;
      stop();
    },
  };
}
