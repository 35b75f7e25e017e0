import { randomUUID } from 'node:crypto';
import { pauseAfter } from '../../kernel/backoff.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import { MB } from '../../kernel/measures.ts';
import { readProcessSize } from '../../kernel/proc.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { PipedChild, PipedChildNeeds } from './process.ts';

/**
 * Keeps a child that listens on a port: a child that dies, does not answer or takes too much memory is replaced, after pauses
 * that grow. The next one listens on the port of the one before, where that is free.
 */
export interface ChildSupervisor<Outgoing> extends Service {
  /** null: no child listens now. */
  view(): { port: number; pid: number } | null;
  /** The reason why no child listens; undefined: one listens, or is about to. */
  fault(): PlainFault | undefined;
  /** Sends to the child that is there, and to none else. */
  send(message: Outgoing): void;
  /** Resolves when the child listens, or has failed to, or after `ms`. */
  settled(ms: number): Promise<void>;
}

/** The messages that every child of this kind sends. */
type Life =
  | { say: 'listening'; port: number }
  /** The process cannot work, and another try would end the same way. */
  | { say: 'failed'; fault: PlainFault }
  | { say: 'pong' };

/** The acts of an owner on one child. */
interface ChildSession<Incoming> {
  /** Gets each message but those of {@link Life}. */
  receive(message: Incoming): void;
  /** The child listens, on the port of the one before or another. */
  listening?(port: number): void;
  /** The child is gone. */
  end(): void;
}

interface ChildSupervisorNeeds<Outgoing, Incoming extends { say: string }> {
  time: Time;
  log: Log;
  /** `the page`: begins its sentences. */
  name: string;
  /** The code of the fault while it is gone. */
  code: string;
  /** Called for the first loss of a row, and when it works again. */
  lost(message: string): void;
  back(message: string): void;
  open(
    ports: readonly number[],
    needs: PipedChildNeeds<Incoming | Life>,
  ): PipedChild<Outgoing | { do: 'ping'; n: number }>;
  /** Sends the first message to a new child. */
  begin(child: PipedChild<Outgoing>, ports: readonly number[]): ChildSession<Exclude<Incoming, Life>>;
  /** The ports to try, best first; `before`: the last one that a child listened on. */
  ports(before: number | undefined): readonly number[];
  mostRssBytes: number;
  /** The time between two looks at it. Default 2 s. */
  pingMs?: number;
}

const PING_MS = 2_000;
/** The longest start of a child until it listens, in ms. */
const START_MS = 30_000;
/** Pings in a row without an answer, after which the child is stuck. */
const UNANSWERED = 4;
/** Readings in a row above the limit. */
const OVER_LIMIT = 2;
const BACKOFF = { first: 500, longest: 60_000 };
/** A child that worked for so long starts a new count of losses. */
const PROVEN_MS = 60_000;
const LINES_PER_PROCESS = 50;

/** A child and what is known of it. */
interface Child<Outgoing, Incoming> {
  id: string;
  process: PipedChild<Outgoing | { do: 'ping'; n: number }>;
  session: ChildSession<Incoming>;
  begunAt: number;
  port: number | undefined;
  pings: number;
  unanswered: number;
  over: number;
  lines: number;
  failed: PlainFault | undefined;
}

export function createChildSupervisor<Outgoing, Incoming extends { say: string }>(
  needs: ChildSupervisorNeeds<Outgoing, Incoming>,
): ChildSupervisor<Outgoing> {
  const { time, log, name, mostRssBytes, pingMs = PING_MS } = needs;
  const settled = Promise.withResolvers<void>();
  const losses = countLosses(needs);
  let life: Child<Outgoing, Exclude<Incoming, Life>> | undefined;
  let failed: PlainFault | undefined;
  let port: number | undefined;
  let isStopped = true;
  let stopPause = () => {};
  const loop = createLoop(
    { time, failed: (error) => log.error(`the watch over ${name} failed`, { fault: { message: String(error) } }) },
    { everyMs: pingMs, firstMs: pingMs, turn },
  );

  function begin() {
    if (isStopped) return;
    const id = randomUUID();
    const ports = needs.ports(port);
    const process = needs.open(ports, {
      time,
      receive: (message) => receive(id, message),
      wrote,
      lost: (how) => lost(id, how),
    });
    const session = needs.begin(process, ports);
    const counts = { port: undefined, pings: 0, unanswered: 0, over: 0, lines: 0, failed: undefined };
    life = { id, process, session, begunAt: time.monotonic(), ...counts };
  }

  function receive(id: string, message: Incoming | Life) {
    if (life?.id !== id) return;
    const said = message as Life;
    if (said.say === 'listening') listening(life, said.port);
    else if (said.say === 'failed') {
      life.failed = said.fault;
      life.process.kill(said.fault.message);
    } else if (said.say === 'pong') life.unanswered = 0;
    else life.session.receive(message as Exclude<Incoming, Life>);
  }

  function listening(at: NonNullable<typeof life>, on: number) {
    at.port = on;
    port = on;
    failed = undefined;
    settled.resolve();
    log.info(`${name} is at port ${on}`, { pid: at.process.pid });
    at.session.listening?.(on);
    losses.back();
  }

  function wrote(line: string) {
    if (life && ++life.lines <= LINES_PER_PROCESS) log.warn(`${name} wrote: ${line.slice(0, 1_000)}`);
  }

  function lost(id: string, how: string) {
    if (life?.id !== id) return;
    const { session, begunAt, failed: why } = life;
    life = undefined;
    session.end();
    if (isStopped) return;
    const message = why?.message ?? `${name} ${how}`;
    failed = why ?? { code: needs.code, message, next: 'daruma logs; it is started again by itself' };
    settled.resolve();
    stopPause = time.after(losses.pauseAfter(message, time.monotonic() - begunAt), begin);
  }

  /** Pings the child, and looks at its memory. */
  function turn() {
    if (!life) return;
    const { process } = life;
    const rssBytes = process.pid === undefined ? 0 : (readProcessSize(process.pid)?.rssBytes ?? 0);
    life.over = rssBytes > mostRssBytes ? life.over + 1 : 0;
    const why = whyEnd(life, { rssBytes, mostRssBytes, ageMs: time.monotonic() - life.begunAt });
    if (why) return process.kill(why);
    // A child that does not listen yet loads its code: its pings are not counted.
    if (life.port !== undefined) life.unanswered += 1;
    process.send({ do: 'ping', n: ++life.pings });
  }

  return {
    async start() {
      if (!isStopped) return;
      isStopped = false;
      begin();
      await loop.start();
    },
    async stop() {
      isStopped = true;
      stopPause();
      settled.resolve();
      await loop.stop();
      await life?.process.end();
      life?.session.end();
      life = undefined;
    },
    alive: loop.alive,
    view: () =>
      life?.port === undefined || life.process.pid === undefined ? null : { port: life.port, pid: life.process.pid },
    fault: () => failed,
    send: (message) => life?.process.send(message),
    async settled(ms) {
      const stop = time.after(ms, () => settled.resolve());
      await settled.promise;
      stop();
    },
  };
}

/** The reason for which a child has to end; undefined: it may go on. */
function whyEnd(
  { port, unanswered, over }: Pick<Child<never, never>, 'port' | 'unanswered' | 'over'>,
  { rssBytes, mostRssBytes, ageMs }: { rssBytes: number; mostRssBytes: number; ageMs: number },
): string | undefined {
  if (over >= OVER_LIMIT) {
    const megabytes = Math.round(rssBytes / MB);
    return `it took ${megabytes} MB of memory, and ${mostRssBytes / MB} MB is its limit`;
  }
  if (unanswered >= UNANSWERED) return `it gave no answer to ${UNANSWERED} pings`;
  return port === undefined && ageMs > START_MS ? `it did not listen within ${START_MS / 1_000}s` : undefined;
}

interface LossNeeds {
  time: Time;
  log: Log;
  name: string;
  lost(message: string): void;
  back(message: string): void;
}

/**
 * Counts losses in a row, and says how long to wait before the next start. A child that is lost again and again is told
 * once.
 */
function countLosses({ time, log, name, lost, back }: LossNeeds) {
  let inARow = 0;
  return {
    /** Returns the pause in ms; a child whose `livedMs` is above {@link PROVEN_MS} starts a new count. */
    pauseAfter(message: string, livedMs: number): number {
      inARow = livedMs > PROVEN_MS ? 1 : inARow + 1;
      const pauseMs = pauseAfter(inARow, BACKOFF, time.random());
      if (inARow === 1) lost(message);
      else log.warn(message, { lost: inARow, againInMs: pauseMs });
      return pauseMs;
    },
    back() {
      if (inARow > 0) back(`${name} is back after ${inARow} losses`);
    },
  };
}
