import { connect, type Socket } from 'node:net';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import type { Op, Ops, Response } from './protocol.ts';
import { readToken, refuseForeignSocket } from './token.ts';

export interface ControlClient {
  /** Resolves with the op's answer; rejects with the host's {@link Fault}, or code `HOST_GONE` when the connection ends first. */
  ask<O extends Op>(op: O, args: Ops[O]['args'], onItem?: (item: Ops[O]['item']) => void): Promise<Ops[O]['value']>;
  close(): void;
}

/**
 * Connects to a host's control socket; rejects with code `HOST_DOWN` when no host listens there, `HOST_FORBIDDEN` when it is
 * another user's, `SOCKET_FOREIGN` as {@link refuseForeignSocket} does. `owner`: whose the installation is, as a uid; default:
 * this user's. With `DARUMA_ROLE=reader` in its environment this process asks as a reader: what would change something is
 * refused. `via`: the name of this kind of client for the audit, lower case letters and hyphens.
 */
export function connectControl(path: string, owner?: number, via?: string): Promise<ControlClient> {
  return new Promise((resolve, reject) => {
    refuseForeignSocket(path, owner);
    const socket = connect(path);
    socket.once('connect', () => {
      socket.off('error', refused);
      const token = readToken(path, process.env.DARUMA_ROLE === 'reader' ? 'reader' : 'operator');
      resolve(clientOn(socket, { token, via }));
    });
    socket.once('error', refused);
    function refused(cause: NodeJS.ErrnoException) {
      const data = { socket: path };
      const plain: PlainFault =
        cause.code === 'EACCES' || cause.code === 'EPERM'
          ? { code: 'HOST_FORBIDDEN', message: 'the host belongs to another user', next: 'ask as that user', data }
          : { code: 'HOST_DOWN', message: 'the host is not running', next: 'daruma start', data };
      reject(new Fault(plain, { cause }));
    }
  });
}

interface Waiting {
  resolve(value: never): void;
  reject(reason: Error): void;
  onItem: ((item: unknown) => void) | undefined;
}

function clientOn(socket: Socket, said: { token: string | undefined; via: string | undefined }): ControlClient {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    rest += chunk;
    // A long answer comes in many chunks; only the chunk that ends the line is worth a split.
    if (!chunk.includes('\n')) return;
    const lines = rest.split('\n');
    rest = lines.pop()!;
    for (const line of lines) read(line);
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    for (const one of waiting.values()) {
      one.reject(new Fault({ code: 'HOST_GONE', message: 'the host ended the connection', next: 'daruma status' }));
    }
    waiting.clear();
  });

  function read(line: string) {
    let answer: Response;
    try {
      answer = JSON.parse(line) as Response;
    } catch {
      // A line that is no JSON comes from no host of ours; the close rejects all that waits.
      socket.destroy();
      return;
    }
    receive(answer);
  }

  function receive(answer: Response) {
    const one = waiting.get(answer.id);
    if (!one) return;
    if ('item' in answer) return one.onItem?.(answer.item);
    waiting.delete(answer.id);
    if (answer.ok) one.resolve(answer.value as never);
    else one.reject(new Fault(answer.error));
  }

  return {
    ask(op, args, onItem) {
      return new Promise((resolve, reject) => {
        if (socket.destroyed) {
          return reject(new Fault({ code: 'HOST_GONE', message: 'the connection is closed', next: 'daruma status' }));
        }
        const id = ++lastId;
        waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, onItem: onItem as Waiting['onItem'] });
        socket.write(`${JSON.stringify({ id, op, args, ...said })}\n`);
      });
    },
    close: () => socket.destroy(),
  };
}
