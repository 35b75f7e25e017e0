import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  DELIVERY_HEADERS,
  FROM_WEB,
  type FromWeb,
  LONGEST_HEADER,
  type ToWeb,
  WEB_CHANNEL_FD,
  type WebTerms,
} from '../../control/web-channel.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { openFrameChannel } from '../../kernel/frames.ts';
import { entryFile, packageFile } from '../../kernel/paths.ts';
import { type Check, mismatchOf, orNone, orNull, type Shape, shapeOf, textUpTo } from '../../kernel/shape.ts';
import type { Time } from '../../kernel/time.ts';

/** The host's side of a web process. */
export interface WebProcess {
  readonly pid: number | undefined;
  send(message: ToWeb): void;
  /** Bytes for it that lie unread. */
  unread(): number;
  /** `why` is told in place of the signal. */
  kill(why: string): void;
  /** Ends it, for good; resolves when it is gone. */
  end(): Promise<void>;
}

interface WebProcessNeeds {
  time: Time;
  receive(message: FromWeb): void;
  /** A line that it wrote on stderr. */
  wrote(line: string): void;
  /** Called once, unless it was told to end; `how` in words. */
  lost(how: string): void;
}

const PROCESS = fileURLToPath(entryFile('web/process.js'));
const HEAP_MB = 96;
/** Agents go first when both want the processor. */
const NICENESS = 10;
const STDERR_KEPT = 2_000;
const END_MS = 1_000;

/** Starts a web process. The child gets nothing of the host's environment, and no file handle but the pipe. */
export function openWebProcess(terms: WebTerms, needs: WebProcessNeeds, file = PROCESS): WebProcess {
  const over = Promise.withResolvers<void>();
  let state: 'alive' | 'ending' | 'over' = 'alive';
  let killedFor: string | undefined;
  let stderr = '';
  const child = spawn(process.execPath, [...flagsOf(terms), file, terms.folder], {
    cwd: terms.folder,
    // All threads allocate from one pool: memory that a reading thread has freed is used again, which saves 9 MB of
    // 106.
    env: { MALLOC_ARENA_MAX: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const pipe = child.stdio[WEB_CHANNEL_FD] as Duplex | null;
  const channel = pipe && openFrameChannel(pipe, { receive, broken: ({ message }) => kill(message) }, FROM_WEB);
  lowerPriority(child);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
    for (const line of text.split('\n')) if (line.trim()) needs.wrote(line);
  });
  child.stderr?.on('error', () => {});
  child.on('error', (error) => {
    if (child.pid === undefined) lost(`could not be started: ${error.message}`);
  });
  child.on('exit', (code, signal) => {
    const how = killedFor ? `was killed: ${killedFor}` : signal ? `was killed by ${signal}` : `ended with code ${code}`;
    const last = killedFor ? undefined : stderr.trim().split('\n')[0];
    lost(last ? `${how}: ${last}` : how);
  });

  function receive(messages: unknown) {
    if (!Array.isArray(messages)) throw new Error('a frame without messages');
    for (const message of messages) if (state === 'alive') needs.receive(readFromWeb(message));
  }

  function lost(how: string) {
    if (state === 'over') return;
    const wasEnding = state === 'ending';
    state = 'over';
    over.resolve();
    if (!wasEnding) needs.lost(how);
  }

  function kill(why: string) {
    killedFor ??= why;
    child.kill('SIGKILL');
  }

  return {
    pid: child.pid,
    send(message) {
      if (pipe?.writable) channel?.send([message]);
    },
    unread: () => pipe?.writableLength ?? 0,
    kill,
    async end() {
      if (state === 'alive') state = 'ending';
      pipe?.destroy();
      const stop = needs.time.after(END_MS, () => child.kill('SIGKILL'));
      await over.promise;
      stop();
    },
  };
}

/** Node denies everything that these flags do not name; the process then shuts itself in by the kernel, too. */
function flagsOf({ folder, store, logs }: WebTerms): string[] {
  const own = ['dist', 'package.json'].map((path) => fileURLToPath(packageFile(path)));
  const inside = ['AGENTS.md', 'config', 'data/config', 'data/versions'].map((path) => join(folder, path));
  const read = [...own, ...inside, store, `${store}-wal`, `${store}-shm`, logs, '/proc/self/oom_score_adj'];
  return [
    '--no-warnings',
    '--disable-sigusr1',
    `--max-old-space-size=${HEAP_MB}`,
    // Pages are short-lived, and what they leave is cleared often instead of kept.
    '--max-semi-space-size=1',
    '--permission',
    ...read.map((path) => `--allow-fs-read=${path}`),
    '--allow-fs-write=/proc/self/oom_score_adj',
    '--allow-net',
    '--allow-worker',
    // The kernel's fences need this flag; they take the right away again.
    '--allow-ffi',
  ];
}

function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS);
  } catch {
    // The process has ended already, or the system does not allow a lower priority.
  }
}

const count: Check = (said) => Number.isSafeInteger(said) && (said as number) >= 0;
const secret = textUpTo(200);

const MESSAGES: Readonly<Record<FromWeb['say'], Shape>> = {
  listening: { port: count },
  failed: { fault: shapeOf({ code: textUpTo(100), message: textUpTo(4_000) }) },
  pong: { n: count, clients: count },
  ask: { id: count, op: textUpTo(100), cookie: orNull(secret), token: orNone(secret) },
  'sign in': { id: count, code: secret },
  'sign out': { id: count, cookie: secret },
  'outside ping': { id: count, name: textUpTo(64), token: secret, withinMs: orNull(count) },
  delivery: {
    id: count,
    agent: textUpTo(200),
    headers: shapeOf(Object.fromEntries(DELIVERY_HEADERS.map((name) => [name, orNone(textUpTo(LONGEST_HEADER))]))),
    body: textUpTo(Math.ceil(BOUNDS.delivery.most / 3) * 4),
  },
  leave: { id: count },
};

/** Throws for what is no message of a web process; the arguments of an operation are read by the table. */
function readFromWeb(message: unknown): FromWeb {
  const { say } = (message ?? {}) as { say?: unknown };
  if (typeof say !== 'string' || !Object.hasOwn(MESSAGES, say)) throw new Error('a message of no kind');
  const field = mismatchOf(message, MESSAGES[say as FromWeb['say']]);
  if (field !== undefined) throw new Error(`a message with a wrong ${field}`);
  return message as FromWeb;
}
