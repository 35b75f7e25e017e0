import { join } from 'node:path';
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
import { openPipedChild, type PipedChild, type PipedChildNeeds } from '../../gateway/child/process.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { entryFile, packageFile } from '../../kernel/paths.ts';
import { type Check, checkMessage, orNone, orNull, type Shape, shapeOf, textUpTo } from '../../kernel/shape.ts';

/** The host's side of a web process. */
export type WebProcess = PipedChild<ToWeb>;

const PROCESS = fileURLToPath(entryFile('web/process.js'));
const HEAP_MB = 96;
/** Agents go first when both want the processor. */
const NICENESS = 10;

/** Starts a web process. The child gets nothing of the host's environment, and no file handle but the pipe. */
export function openWebProcess(terms: WebTerms, needs: PipedChildNeeds<FromWeb>, file = PROCESS): WebProcess {
  const program = {
    args: [...flagsOf(terms), file, terms.folder],
    cwd: terms.folder,
    // All threads allocate from one pool: memory that a reading thread has freed is used again, which saves 9 MB of
    // 106.
    env: { MALLOC_ARENA_MAX: '1' },
    niceness: NICENESS,
    fd: WEB_CHANNEL_FD,
    bounds: FROM_WEB,
    read: readFromWeb,
  };
  return openPipedChild(program, needs);
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
  checkMessage(message, MESSAGES);
  return message as FromWeb;
}
