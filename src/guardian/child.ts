import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { PlainFault } from '../kernel/fault.ts';
import { waitsForDevice } from '../kernel/proc.ts';
import { EXIT_SIGNALLED, type FromHost, type GuardianOrders, type HostEndRecord, jsonLines } from '../kernel/pulse.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import type { DeadMan } from './dead-man.ts';
import { CHECK_MS, checkHost, isWell, type Moment, newHostWatch, withHostLine } from './host-deadlines.ts';

/** The end of a host's stderr that is kept as its last words. */
const WORDS_BYTES = 65_536;
/** The guardian reads the last output of a dead host for this long at most. */
const DRAIN_MS = 500;

/** A host process from its start to its end. */
export interface HostProcess {
  readonly pid: number | undefined;
  signal(name: NodeJS.Signals): void;
  /** Resolves once the process is gone and all its output was read. */
  ended: Promise<HostEnd>;
}

interface HostEnd {
  words: HostEndRecord;
  /** See {@link Ended}. */
  workedMs: number | undefined;
  refused: PlainFault | undefined;
  final: PlainFault | undefined;
  /** See {@link HostWatch.isWished}. */
  isWished: boolean;
}

interface HostCommand {
  /** The arguments of node: the file to start and its own arguments. */
  args: string[];
  folder: string;
}

/** Starts a host and watches over it: one that is silent, or whose loops stand still, is killed. */
export function startHostProcess(
  { time, deadMan, say }: { time: Time; deadMan: DeadMan; say(line: string): void },
  { args, folder }: HostCommand,
  orders: GuardianOrders,
): HostProcess {
  const begun = time.monotonic();
  const tail = createTail(WORDS_BYTES);
  let watch = newHostWatch(moment());
  let refused: PlainFault | undefined;
  let final: PlainFault | undefined;
  let killedBecause: string | undefined;
  const child = spawn(process.execPath, args, {
    cwd: folder,
    // Of its own session: Ctrl-C in a terminal reaches the guardian alone, which passes it on once.
    detached: true,
    stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
    env: { ...process.env, DARUMA_GUARDIAN: String(orders.guardian) },
  });
  child.stderr!.on('data', (piece: Buffer) => {
    tail.add(piece);
    process.stderr.write(piece);
  });
  const line = child.stdio[3] as Socket;
  line.setEncoding('utf8').on('data', jsonLines(listen));
  for (const stream of [child.stderr!, line]) stream.on('error', () => {});
  line.write(`${JSON.stringify(orders)}\n`);
  const rounds = setInterval(goRound, CHECK_MS);

  function moment(): Moment {
    return { monotonic: time.monotonic(), wall: time.now() };
  }

  function listen(said: FromHost) {
    watch = withHostLine(watch, said, moment());
    if (said.is === 'deadman') deadMan.begin(said.terms);
    if (said.is === 'refused') refused = said.fault;
    if (said.is === 'final') final = said.fault;
  }

  function goRound() {
    const { watch: after, decision } = checkHost(watch, moment(), () => waitsForDevice(child.pid ?? 0));
    watch = after;
    const { monotonic } = moment();
    deadMan.look(
      isWell(watch, monotonic),
      `pid ${child.pid}, up ${formatDuration(monotonic - begun)}: every loop turns`,
    );
    if (decision.is === 'fine' || killedBecause !== undefined) return;
    if (decision.is === 'waits')
      return say(
        `! the host (pid ${child.pid}) ${decision.why}: its disk does not answer, and a new host would wait as well`,
      );
    if (decision.is === 'answered')
      return say(`✓ the disk of the host (pid ${child.pid}) answers again, after ${formatDuration(decision.afterMs)}`);
    killedBecause = decision.why;
    child.kill('SIGKILL');
  }

  async function end(): Promise<HostEnd> {
    const { code, signal, failure } = await over(child);
    clearInterval(rounds);
    await received(child, time);
    const { readyAt, isWished = false } = watch;
    const now = time.monotonic();
    return {
      workedMs: readyAt === undefined ? undefined : now - readyAt,
      refused,
      final,
      isWished,
      words: {
        pid: child.pid ?? null,
        at: time.now(),
        code,
        signal,
        uptimeMs: Math.round(now - begun),
        why: killedBecause ?? failure ?? howItEnded(code, signal),
        stderr: tail.text(),
      },
    };
  }

  return {
    pid: child.pid,
    signal(name) {
      // From now on the host has the time to stop, and no more.
      watch = { ...watch, stoppingAt: watch.stoppingAt ?? time.monotonic() };
      child.kill(name);
    },
    ended: end(),
  };
}

function howItEnded(code: number | null, signal: string | null): string {
  if (signal) return `was killed by ${signal}`;
  return code === EXIT_SIGNALLED ? 'was ended by a signal that did not come from here' : `ended with code ${code}`;
}

/** The child's end; a child that could not be started ends at once. */
function over(child: ChildProcess): Promise<{ code: number | null; signal: string | null; failure?: string }> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.on('error', (error) => {
      if (child.pid === undefined)
        resolve({ code: null, signal: null, failure: `could not be started: ${error.message}` });
    });
  });
}

/** Another process may hold the pipes open for longer than the host lives: the guardian does not wait for them. */
async function received(child: ChildProcess, time: Time): Promise<void> {
  const streams = [child.stderr!, child.stdio[3] as Socket];
  const closed = Promise.all(
    streams.map((stream) => stream.closed || new Promise((resolve) => stream.once('close', resolve))),
  );
  const late = new AbortController();
  await Promise.race([closed, time.sleep(DRAIN_MS, late.signal).catch(() => {})]);
  late.abort();
  for (const stream of streams) stream.destroy();
}

/** The end of a long text. */
interface Tail {
  add(piece: Buffer): void;
  text(): string;
}

/** Keeps the last `most` bytes of what is added, from the beginning of a line where there is one. */
export function createTail(most: number): Tail {
  let pieces: Buffer[] = [];
  let size = 0;
  let cut = false;
  return {
    add(piece) {
      pieces.push(piece);
      size += piece.length;
      if (size <= 2 * most) return;
      pieces = [Buffer.concat(pieces).subarray(-most)];
      size = most;
      cut = true;
    },
    text() {
      const whole = Buffer.concat(pieces);
      if (!cut && whole.length <= most) return whole.toString('utf8');
      const end = whole.subarray(-most);
      // Half a line, or half a letter, says less than none.
      const from = end.indexOf(10) + 1;
      return end.subarray(from === end.length ? 0 : from).toString('utf8');
    },
  };
}
