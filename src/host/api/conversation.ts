import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import type { Response } from '../../control/protocol.ts';
import type { Ffi } from '../../fence/kernel.ts';
import { quietly } from '../../fence/quietly.ts';
import { shown } from '../../kernel/bounds.ts';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { jsonProblem } from '../../kernel/frames.ts';
import type { Log } from '../../kernel/log.ts';
import { MB } from '../../kernel/measures.ts';
import type { Scrubber } from '../../kernel/scrub.ts';
import type { Time } from '../../kernel/time.ts';
import type { OperationRole } from '../../operations/operation.ts';
import type { Audit } from '../audit.ts';
import type { Operations } from './handlers.ts';
import { userName } from './peer.ts';

type Request = { id: number; op: string; args: unknown; token?: unknown; via?: unknown };

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** A `struct ucred`: pid, uid and gid, 32 bits each. */
const CREDENTIALS_BYTES = 12;
const UID_AT = 4;

/** A line longer than this ends its connection. */
const LONGEST_LINE = 8 * MB;
/** The JSON of a request: the value of an input may be a thousand levels deep, and schemas say which numbers there may be. */
const REQUEST_BOUNDS = { depth: 1_100, values: 500_000, takesInfinity: true };
/** A client that lets this much of a stream lie unread loses items. */
const MOST_UNREAD_BYTES = 4 * MB;
/** A client that lets this much of its answers lie unread loses its connection. */
const MOST_WAITING_BYTES = 64 * MB;
/** Requests of one connection that are under way; more are refused. */
const MOST_OPEN = 1_024;
/** A client has to say who it is within this time, and to end a line within the other. */
const FIRST_WITHIN_MS = 10_000;
const LINE_WITHIN_MS = 30_000;
/** Bytes that a client has sent in time are read within so many ms of its deadline. */
const READ_WITHIN_MS = 100;

interface ConversationNeeds {
  operations: Operations;
  log: Log;
  scrub: Pick<Scrubber, 'answer'>;
  time: Pick<Time, 'after'>;
  /** undefined: the request carries no token of this host. */
  roleOf(request: Request): OperationRole | undefined;
  audit: Pick<Audit, 'of'>;
}

/**
 * Answers the requests of one client, whose lines are bounded in size, depth, number and time. A line that is no request is answered with a
 * fault; a client that is silent before its first token, slow in a line, or does not read, loses its connection and nobody else's.
 */
export function createConversation(socket: Socket, needs: ConversationNeeds): void {
  const { operations, log, scrub, time, roleOf, audit } = needs;
  let user: string | undefined;
  const ended = new AbortController();
  let openRequests = 0;
  let parts: string[] = [];
  let kept = 0;
  const leave = () => void socket.destroy();
  let cancelWait = lateAfter(FIRST_WITHIN_MS);
  let cancelLine = () => {};
  socket.setEncoding('utf8');
  socket.on('error', leave);
  socket.on('close', () => {
    cancelWait();
    cancelLine();
    ended.abort(new Fault({ code: 'CLIENT_GONE', message: 'the client is gone' }));
  });
  socket.on('data', (chunk: string) => {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      const line = parts.join('') + chunk.slice(from, end);
      cancelLine();
      [parts, kept, from] = [[], 0, end + 1];
      if (line.trim()) void answer(line);
    }
    keep(chunk.slice(from));
  });

  /** Leaves a client that is late, after what has come meanwhile is read: a host that had no processor is not the client's fault. */
  function lateAfter(ms: number): () => void {
    let cancel = time.after(ms, () => {
      cancel = time.after(READ_WITHIN_MS, leave);
    });
    return () => cancel();
  }

  /** The beginning of a line. */
  function keep(part: string) {
    if (part === '') return;
    if (parts.length === 0) cancelLine = lateAfter(LINE_WITHIN_MS);
    parts.push(part);
    kept += part.length;
    if (kept > LONGEST_LINE) leave();
  }

  function send(message: Response): boolean {
    if (socket.destroyed || !socket.writable) return false;
    if ('item' in message && socket.writableLength > MOST_UNREAD_BYTES) return false;
    if (socket.writableLength > MOST_WAITING_BYTES) {
      leave();
      return false;
    }
    socket.write(`${JSON.stringify(message)}\n`);
    return true;
  }

  function userNow(): string {
    user ??= peerUser(socket);
    return user;
  }

  async function answer(line: string) {
    let id = idOf(line);
    openRequests += 1;
    try {
      const request = readRequest(line);
      id = request.id;
      const role = roleOf(request);
      if (!role) throw new Fault(tokenWrong());
      cancelWait();
      cancelWait = () => {};
      if (openRequests > MOST_OPEN) throw new Fault(tooMany());
      const by = () => ({ via: viaOf(request), who: userNow(), role });
      const call = { role, by, item: (item: unknown) => send({ id, item: scrub.answer(item) }), gone: ended.signal };
      const { op, args } = request;
      const value = await audit.of(by, { operation: op, args }, operations.ask(op, args, call));
      send({ id, ok: true, value: scrub.answer(value) });
    } catch (error) {
      const { stack, ...fault } = toPlainFault(error);
      if (!(error instanceof Fault)) log.error('a control op failed', { fault: { ...fault, stack } });
      send({ id, ok: false, error: scrub.answer(fault) });
    } finally {
      openRequests -= 1;
    }
  }
}

/** A client says itself what kind it is: its user is the kernel's word, its kind is not. */
function viaOf({ via }: Request): string {
  return typeof via === 'string' && /^[a-z][a-z-]{0,19}$/.test(via) ? via : 'socket';
}

/** The number of a request that may be none, so that its client hears of it; 0: not known. */
function idOf(line: string): number {
  return Number(/"id"\s*:\s*(\d{1,15})\s*[,}]/.exec(line)?.[1] ?? 0);
}

/** No host of an older Daruma wants a token, and no older command sends one. */
function tokenWrong(): PlainFault {
  return {
    code: 'TOKEN_WRONG',
    message: 'the request does not carry the token of this host',
    next: 'run daruma of the same version as the host, as the user whose host it is: the token lies beside the control socket',
  };
}

function tooMany(): PlainFault {
  return {
    code: 'TOO_MANY_REQUESTS',
    message: `more than ${MOST_OPEN} requests of this connection are under way`,
    next: 'wait for answers before you ask more',
  };
}

/** The request that a line is. Throws a Fault `REQUEST_INVALID`, before the line is parsed where it is out of its bounds. */
export function readRequest(line: string): Request {
  const problem =
    line.length > LONGEST_LINE ? 'a line that is too long' : jsonProblem(Buffer.from(line), REQUEST_BOUNDS);
  const said = problem === null ? parsed(line) : undefined;
  if (said && typeof said === 'object' && Number.isSafeInteger(said.id)) return said;
  const next = 'send { "id": 1, "op": "ping", "args": {}, "token": … } and a line break';
  throw new Fault({
    code: 'REQUEST_INVALID',
    message: `${shown(line)} is no request${problem ? `: ${problem}` : ''}`,
    next,
  });
}

function parsed(line: string): Request | null {
  try {
    return JSON.parse(line) as Request | null;
  } catch {
    return null;
  }
}

/**
 * The user at the other end of a unix socket, by the kernel's word: `root`, or `uid 1000` where the machine has no name
 * for it. Where the kernel cannot be asked, it is the user of this process: nobody else but root can read the token.
 */
function peerUser(socket: Socket): string {
  const uid = peerUid(socket) ?? process.geteuid?.();
  return uid === undefined ? userInfo().username : userName(uid);
}

function peerUid(socket: Socket): number | undefined {
  const { fd } = (socket as { _handle?: { fd?: number } })._handle ?? {};
  if (process.platform !== 'linux' || fd === undefined || fd < 0) return undefined;
  try {
    return quietly(() => {
      const { dlopen } = process.getBuiltinModule('node:ffi' as never) as never as Ffi;
      const { lib, functions } = dlopen(null, {
        getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
      });
      const found = Buffer.alloc(CREDENTIALS_BYTES);
      const length = Buffer.from(new Uint32Array([CREDENTIALS_BYTES]).buffer);
      const failed = functions.getsockopt!(fd, SOL_SOCKET, SO_PEERCRED, found, length);
      lib.close();
      return failed === 0 ? new Uint32Array(found.buffer, found.byteOffset + UID_AT, 1)[0] : undefined;
    });
  } catch {
    return undefined;
  }
}
