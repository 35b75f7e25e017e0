import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { PlainFault } from '../../kernel/fault.ts';
import { openFrameChannel } from '../../kernel/frames.ts';
import { entryFile } from '../../kernel/paths.ts';
import { stderrTail } from '../../kernel/stderr-tail.ts';
import type { Time } from '../../kernel/time.ts';
import { BROKER_FD, FROM_BROKER, readFromBroker } from './broker-messages.ts';
import type { BrokerTerms, FromBroker, ToBroker } from './wire.ts';

const BROKER = 'gateway/exec/inside/broker.js';
const STDERR_KEPT = 2_048;
/** The broker kills all that it started within 1.5 s when its host is gone, and then ends itself. */
const END_MS = 2_500;

interface BrokerNeeds {
  time: Time;
  /** Called with each message that is well formed. An error that it throws ends the broker. */
  receive(message: FromBroker): void;
  /** The broker sent text that is no message of a broker, or a message that the host could not handle; the host kills the broker. */
  broken(why: PlainFault): void;
  /** Called once, unless the broker was told to end; `how` in words. */
  lost(how: string): void;
}

/** The host's side of the broker. Messages that are posted before the broker runs wait for it. */
export interface BrokerProcess {
  readonly pid: number | undefined;
  post(message: ToBroker): void;
  kill(): void;
  /** Ends the broker and everything that it runs. */
  end(): Promise<void>;
}

/** Starts a broker. `cwd`: the folder for data of this run, which the process list shows beside the broker. */
export function openBroker(terms: BrokerTerms, needs: BrokerNeeds, options: { cwd: string }): BrokerProcess {
  const over = Promise.withResolvers<void>();
  let isEnding = false;
  let isOver = false;
  const child = spawn(
    process.execPath,
    ['--no-warnings', '--disable-sigusr1', fileURLToPath(entryFile(BROKER)), options.cwd],
    {
      cwd: options.cwd,
      // An order carries the environment of its command; the broker gets no variable of the host's own environment.
      env: {},
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    },
  );
  const stderr = stderrTail(child.stderr, STDERR_KEPT);
  const pipe = child.stdio[BROKER_FD] as Duplex;
  const channel = openFrameChannel(pipe, { receive, broken }, FROM_BROKER);
  child.on('error', (error) => {
    if (child.pid === undefined) lost(`could not be started: ${error.message}`);
  });
  child.on('exit', (code, signal) => {
    const last = stderr().trim().split('\n').at(-1);
    lost(`${signal ? `was killed by ${signal}` : `ended with code ${code}`}${last ? `: ${last}` : ''}`);
  });

  function receive(frame: unknown) {
    for (const message of readFromBroker(frame)) if (!isOver && !isEnding) needs.receive(message);
  }

  function broken(why: PlainFault) {
    if (!isEnding) needs.broken(why);
    kill();
  }

  function lost(how: string) {
    if (isOver) return;
    isOver = true;
    over.resolve();
    if (!isEnding) needs.lost(how);
  }

  function post(message: ToBroker) {
    if (pipe.writable) channel.send([message], (error) => error && kill());
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
      pipe.destroy();
      const stop = needs.time.after(END_MS, kill);
      await over.promise;
      stop();
    },
  };
}
