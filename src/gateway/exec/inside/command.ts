import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { OOM_SCORES } from '../../../kernel/proc.ts';
import type { ExecResult } from '../../../plugin/context.ts';
import type { BrokerEnd, BrokerOrder } from '../wire.ts';
import { createBoundedOutput } from './bounded.ts';
import { type Enclosure, enclosureOf, FIRST_FEED } from './enclosure.ts';

/** The longest report of a fence that is read, in characters; a fence has less to say. */
const LONGEST_REPORT = 4_096;

/** Signals of which a shell reports nothing when they end its child; a program that ends with their code means them. */
const UNREPORTED = [constants.signals.SIGINT, constants.signals.SIGPIPE];
/** The number that a shell adds to that of a signal. */
const SIGNALLED = 128;

interface End {
  code: number | null;
  signal: string | null;
}

/**
 * The gate: a process that has the pid, the mark and the session of the command waits on descriptor 3 for one line, and
 * then becomes the command. The end of the broker closes the descriptor, and the gate ends without having run anything.
 * The text is fixed and the words of the command are handed over as arguments, so no shell ever reads them.
 */
const GATE = `${raiseOomScoreOf('/proc/self/oom_score_adj')}; read -r DARUMA_GATE <&3 && exec "$@"`;
const GATE_FD = 3;
const SHELL = '/bin/sh';
/** The broker reads the output of a command that has ended until it closes, but no longer than this: a process that was left may hold it open. */
const QUIET_MS = 100;
const LAST_OUTPUT_MS = 1_000;

/** A command: its own process and its output. The processes that it starts are the matter of `CommandGroup`. */
interface Command {
  /** The process of the command; undefined: it could not be started. */
  readonly pid: number | undefined;
  open(): void;
  /** True: the command's own process has ended, and is reaped. */
  hasEnded(): boolean;
  /** The result of the command, as far as it came. */
  result(): ExecResult;
}

interface CommandNeeds {
  now(): number;
  /** The command ended by itself and its output is whole, or it could not be started. Called once. */
  ended(end: BrokerEnd): void;
  timedOut(): void;
}

export function startCommand(mark: string, order: BrokerOrder, needs: CommandNeeds): Command {
  const streams = { out: createBoundedOutput(order.maxOutputBytes), err: createBoundedOutput(order.maxOutputBytes) };
  let child: ChildProcess;
  let startedAt = needs.now();
  let outputAt = startedAt;
  let exit: { code: number | null; signal: string | null; at: number } | undefined;
  let enclosure: Enclosure;
  /** The fence's report of the end. */
  let endReport = '';
  let isReported = false;
  let stopTimeout: NodeJS.Timeout | undefined;

  function report(end: BrokerEnd) {
    if (isReported) return;
    isReported = true;
    clearTimeout(stopTimeout);
    needs.ended(end);
  }

  function start() {
    for (const folder of order.makes) mkdirSync(folder, { recursive: true, mode: 0o700 });
    enclosure = enclosureOf(order, mark);
    const { words, env, reportsEnd, feeds } = enclosure;
    // A program that puts up a fence uses descriptor 3; every other command starts with it closed.
    child = spawn(SHELL, ['-c', reportsEnd ? GATE : `${GATE} 3<&-`, 'sh', ...words], {
      cwd: order.cwd,
      env,
      detached: true,
      stdio: [order.input === null ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe', ...feeds.map(() => 'pipe' as const)],
    });
    child.on('error', (error) => {
      if (child.pid === undefined) report(unstarted(error, order));
    });
    // A command that closes its end of a pipe early has read enough.
    for (const stream of child.stdio) stream?.on('error', () => {});
    for (const [index, feed] of feeds.entries()) (child.stdio[FIRST_FEED + index] as Writable).end(feed);
    if (reportsEnd) readEndReport(child.stdio[GATE_FD] as Readable);
    read(child.stdout!, streams.out);
    read(child.stderr!, streams.err);
    child.on('exit', (code, signal) => {
      exit = { code, signal, at: needs.now() };
      awaitOutput();
    });
    child.on('close', () => report(lastEnd()));
  }

  function readEndReport(stream: Readable) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (endReport.length < LONGEST_REPORT) endReport += text;
    });
  }

  /** The end of a command that ended by itself, or the reason why its fence did not let it begin. */
  function lastEnd(): BrokerEnd {
    const why = enclosure.reportsEnd ? whyUnfenced(endReport, streams.err.text(), exit?.code ?? null) : undefined;
    return why === undefined ? { is: 'ended', result: result() } : { is: 'unstarted', message: why };
  }

  function read(stream: NodeJS.ReadableStream, into: { add(chunk: Buffer): void }) {
    stream.on('data', (chunk: Buffer) => {
      outputAt = needs.now();
      // The output of processes that the command left running is dropped once the result is told.
      if (!isReported) into.add(chunk);
    });
  }

  function awaitOutput() {
    if (isReported) return;
    const now = needs.now();
    if (now - exit!.at >= LAST_OUTPUT_MS || now - Math.max(outputAt, exit!.at) >= QUIET_MS) {
      return report(lastEnd());
    }
    setTimeout(awaitOutput, QUIET_MS / 2);
  }

  function ownEnd() {
    const { code, signal } = exit ?? { code: null, signal: null };
    return exit && order.fence?.is === 'bwrap' ? reportedEnd(exit, endReport) : { code, signal };
  }

  function result(): ExecResult {
    return {
      ...ownEnd(),
      stdout: streams.out.text(),
      stderr: streams.err.text(),
      truncated: streams.out.isCut() || streams.err.isCut(),
      tookMs: Math.round((exit?.at ?? needs.now()) - startedAt),
    };
  }

  try {
    start();
  } catch (error) {
    setImmediate(() => report(unstarted(error as Error, order)));
  }

  return {
    get pid() {
      return child?.pid;
    },
    open() {
      if (exit) return;
      startedAt = needs.now();
      if (order.timeoutMs !== null) stopTimeout = setTimeout(needs.timedOut, order.timeoutMs);
      (child.stdio[GATE_FD] as Writable).end(`go\n${enclosure.terms}`);
      child.stdin?.end(order.input);
    },
    hasEnded: () => exit !== undefined || child?.pid === undefined,
    result,
  };
}

function unstarted(error: Error, order: BrokerOrder): BrokerEnd {
  const code = (error as NodeJS.ErrnoException).code;
  // A missing folder and a missing program are the same error to spawn.
  const message = code === 'ENOENT' ? `${order.cwd} or ${SHELL} is not there` : error.message;
  return { is: 'unstarted', message };
}

/** A command is a better victim of a kernel without memory than its broker, from before its first instruction. */
function raiseOomScoreOf(file: string): string {
  const by = OOM_SCORES.command - OOM_SCORES.broker;
  return `{ read -r DARUMA_GATE <${file} && echo $((DARUMA_GATE + ${by})) >${file}; } 2>/dev/null`;
}

/**
 * The end of a command in bubblewrap: as its fence reports it (`exit 3`, after the shell's word about a signal: `Killed`), or the end of
 * bubblewrap's own process where the fence reports nothing, because it was killed as well. The command can write into the fence's
 * report, and gains nothing: each text there gives an exit code or a signal.
 */
function reportedEnd(exit: End, report: string): End {
  const last = /(?:^|\n)exit (\d{1,3})\n$/.exec(report);
  if (!last) return exit.code !== null && exit.code > SIGNALLED ? signalled(exit.code) : exit;
  const status = Math.min(Number(last[1]), 255);
  if (status <= SIGNALLED) return { code: status, signal: null };
  const isSignal = report.slice(0, last.index).trim() !== '' || UNREPORTED.includes(status - SIGNALLED);
  return isSignal ? signalled(status) : { code: status, signal: null };
}

function signalled(status: number): End {
  const name = Object.entries(constants.signals).find(([, number]) => number === status - SIGNALLED)?.[0];
  return name ? { code: null, signal: name } : { code: status, signal: null };
}

/** The reason why the fence did not start the command; undefined when the command ran. */
function whyUnfenced(report: string, stderr: string, code: number | null): string | undefined {
  const why = /^unfenced (.*)$/m.exec(report)?.[1];
  if (why !== undefined) return `its fence does not hold: ${why}`;
  // A fence that is up tells an end.
  return code !== 0 && report === '' && stderr.startsWith('bwrap: ') ? stderr.trim().split('\n')[0] : undefined;
}
