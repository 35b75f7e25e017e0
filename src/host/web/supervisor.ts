import { randomUUID } from 'node:crypto';
import type { FromWeb, WebTerms } from '../../control/web-channel.ts';
import { pauseAfter } from '../../kernel/backoff.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import { MB } from '../../kernel/measures.ts';
import { readProcessSize } from '../../kernel/proc.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { Events } from '../../telemetry/events.ts';
import { createWebAnswers, type WebAnswers, type WebAnswersNeeds } from './answers.ts';
import { openWebProcess, type WebProcess } from './process.ts';

/** Keeps the web process: one that dies, does not answer or takes too much memory is replaced, after pauses that grow. */
interface WebSupervisor extends Service {
  view(): { port: number; pid: number } | null;
  /** The reason why there is no page; undefined: the page listens, or is about to. */
  fault(): PlainFault | undefined;
  /** Sends the sessions and the assistants to the process anew. */
  sessionsChanged(): void;
  /** Resolves when the page listens, or has failed to, or after `ms`. */
  settled(ms: number): Promise<void>;
}

interface WebSupervisorNeeds extends Omit<WebAnswersNeeds, 'operations'> {
  time: Time;
  log: Log;
  events: Events;
  operations(): WebAnswersNeeds['operations'];
  terms: Omit<WebTerms, 'ports'>;
  /** The port of the settings; the next ones are tried after it. 0: any. */
  port: number;
  /** The code of the process, and the time between two looks at it. Default: that of the build, 2 s. */
  file?: string;
  pingMs?: number;
}

const PING_MS = 2_000;
/** The longest start of a web process until it listens, in ms. */
const START_MS = 30_000;
/** Pings in a row without an answer, after which the process is stuck. */
const UNANSWERED = 4;
const MOST_RSS_BYTES = 192 * MB;
/** Readings in a row above the limit. */
const OVER_LIMIT = 2;
const BACKOFF = { first: 500, longest: 60_000 };
/** A process that worked for so long starts a new count of losses. */
const PROVEN_MS = 60_000;
const PORTS = 20;
const LINES_PER_PROCESS = 50;

/** A process and what is known of it. */
interface Life {
  id: string;
  process: WebProcess;
  answers: WebAnswers;
  begunAt: number;
  port: number | undefined;
  pings: number;
  unanswered: number;
  over: number;
  lines: number;
  failed: PlainFault | undefined;
}

export function createWebSupervisor(needs: WebSupervisorNeeds): WebSupervisor {
  const { time, log, sessions, pingMs = PING_MS } = needs;
  const settled = Promise.withResolvers<void>();
  const losses = countLosses(needs);
  let life: Life | undefined;
  let failed: PlainFault | undefined;
  let port = needs.port;
  let isStopped = true;
  let stopPause = () => {};
  const loop = createLoop(
    { time, failed: (error) => log.error('the watch over the page failed', { fault: { message: String(error) } }) },
    { everyMs: pingMs, firstMs: pingMs, turn },
  );

  const signedIn = () => ({ sessions: sessions.list(), assistants: needs.assistants.list() });

  function begin() {
    if (isStopped) return;
    const id = randomUUID();
    const terms = { ...needs.terms, ports: portsFrom(port, needs.port) };
    const calls = { receive: (message: FromWeb) => receive(id, message), wrote, lost: (how: string) => lost(id, how) };
    const process = openWebProcess(terms, { time, ...calls }, needs.file);
    const answers = createWebAnswers({ ...needs, operations: needs.operations() }, process);
    life = {
      id,
      process,
      answers,
      begunAt: time.monotonic(),
      port: undefined,
      pings: 0,
      unanswered: 0,
      over: 0,
      lines: 0,
      failed: undefined,
    };
    process.send({ do: 'begin', terms, ...signedIn() });
  }

  function receive(id: string, message: FromWeb) {
    if (life?.id !== id) return;
    if (message.say === 'listening') listening(life, message.port);
    else if (message.say === 'failed') {
      life.failed = message.fault;
      life.process.kill(message.fault.message);
    } else if (message.say === 'pong') life.unanswered = 0;
    else life.answers.take(message);
  }

  function listening(at: Life, on: number) {
    at.port = on;
    port = on;
    failed = undefined;
    settled.resolve();
    log.info(`the page is at port ${on}`, { pid: at.process.pid });
    losses.back();
  }

  function wrote(line: string) {
    if (life && ++life.lines <= LINES_PER_PROCESS) log.warn(`the page wrote: ${line.slice(0, 1_000)}`);
  }

  function lost(id: string, how: string) {
    if (life?.id !== id) return;
    const { answers, begunAt, failed: why } = life;
    life = undefined;
    answers.end();
    if (isStopped) return;
    const message = why?.message ?? `the page ${how}`;
    failed = why ?? { code: 'WEB_LOST', message, next: 'daruma logs; it is started again by itself' };
    settled.resolve();
    stopPause = time.after(losses.pauseAfter(message, time.monotonic() - begunAt), begin);
  }

  /** Pings the process, and looks at its memory. */
  function turn() {
    if (!life) return;
    const { process } = life;
    const rssBytes = process.pid === undefined ? 0 : (readProcessSize(process.pid)?.rssBytes ?? 0);
    life.over = rssBytes > MOST_RSS_BYTES ? life.over + 1 : 0;
    const why = whyEnd(life, rssBytes, time.monotonic() - life.begunAt);
    if (why) return process.kill(why);
    // A process that does not listen yet loads its code: its pings are not counted.
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
      life?.answers.end();
      life = undefined;
    },
    alive: loop.alive,
    view: () =>
      life?.port === undefined || life.process.pid === undefined ? null : { port: life.port, pid: life.process.pid },
    fault: () => failed,
    sessionsChanged: () => life?.process.send({ do: 'sessions', ...signedIn() }),
    async settled(ms) {
      const stop = time.after(ms, () => settled.resolve());
      await settled.promise;
      stop();
    },
  };
}

/** The reason for which a process has to end; undefined: it may go on. */
function whyEnd({ port, unanswered, over }: Life, rssBytes: number, ageMs: number): string | undefined {
  if (over >= OVER_LIMIT) {
    const megabytes = Math.round(rssBytes / MB);
    return `it took ${megabytes} MB of memory, and ${MOST_RSS_BYTES / MB} MB is its limit`;
  }
  if (unanswered >= UNANSWERED) return `it gave no answer to ${UNANSWERED} pings`;
  return port === undefined && ageMs > START_MS ? `it did not listen within ${START_MS / 1_000}s` : undefined;
}

/**
 * Counts losses of the process in a row, and says how long to wait before the next start. A page that is lost again and
 * again is one event.
 */
function countLosses({ time, log, events }: Pick<WebSupervisorNeeds, 'time' | 'log' | 'events'>) {
  let inARow = 0;
  return {
    /** Returns the pause in ms; a process whose `livedMs` is above {@link PROVEN_MS} starts a new count. */
    pauseAfter(message: string, livedMs: number): number {
      inARow = livedMs > PROVEN_MS ? 1 : inARow + 1;
      const pauseMs = pauseAfter(inARow, BACKOFF, time.random());
      const said = `${message}; agents go on, and it is started again`;
      if (inARow === 1) events.record('warn', { kind: 'web.lost', agent: null, message: said });
      else log.warn(message, { lost: inARow, againInMs: pauseMs });
      return pauseMs;
    },
    back() {
      if (inARow > 0)
        events.record('info', { kind: 'web.back', agent: null, message: `the page is back after ${inARow} losses` });
    },
  };
}

/** The port of before first, so that addresses stay; then that of the settings, and those after it. */
function portsFrom(before: number, set: number): number[] {
  if (set === 0) return [before];
  const next = Array.from({ length: PORTS }, (_, index) => set + index).filter((one) => one <= 65_535);
  return [...new Set([before, ...next])];
}
