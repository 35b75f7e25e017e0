import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { unixAddress } from '../../src/host/lifecycle/systemd.ts';
import { HANGS_MS } from '../hangs.ts';

/** A socket like that of systemd, which keeps what it is sent. */
export interface NotifySocket {
  path: string;
  /** Every message so far, oldest first. */
  messages(): string[];
  /** Waits until one of the messages holds the text. */
  hears(text: string, withinMs?: number): Promise<string>;
  close(): void;
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** Listens; undefined where Node has no `node:ffi`, without which there are no unix datagrams. */
export async function notifySocket(folder: string): Promise<NotifySocket | undefined> {
  const ffi = await import('node:ffi').catch(() => undefined);
  if (!ffi || process.platform !== 'linux') return undefined;
  const { functions } = ffi.dlopen(null, {
    socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    bind: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
    recv: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
    close: { arguments: ['i32'], return: 'i32' },
  });
  const path = join(folder, 'notify.sock');
  const socket = functions.socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = unixAddress(path);
  if (functions.bind(socket, address, address.length) !== 0) throw new Error(`cannot listen on ${path}`);
  const received: string[] = [];
  const into = Buffer.alloc(4_096);

  function messages() {
    for (;;) {
      const size = Number(functions.recv(socket, into, BigInt(into.length), MSG_DONTWAIT));
      if (size <= 0) return received;
      received.push(into.subarray(0, size).toString());
    }
  }

  return {
    path,
    messages,
    async hears(text, withinMs = HANGS_MS) {
      const deadline = performance.now() + withinMs;
      for (;;) {
        const found = messages().find((message) => message.includes(text));
        if (found !== undefined) return found;
        if (performance.now() > deadline) throw new Error(`nobody said ${text}, only: ${received.join(' | ')}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    close() {
      functions.close(socket);
      rmSync(path, { force: true });
    },
  };
}
